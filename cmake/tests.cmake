# Every tests/unit/**/test_*.c and tests/sim/**/test_*.c is one cmocka program, registered in CTest.
#
# Lines in a test's source that the build reads:
#   /* label: threads */        also runs under the thread sanitizer (any label may be given)
#   /* link: -Wl,--wrap=x */    linker options of this test
#   /* timeout: 120 */          seconds (default 180)
# Other .c files beside the tests are helpers: below tests/unit they form the library
# tz_unit, below tests/sim the library tz_sim, which stands in the place of tz_loop.

enable_testing()
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# The address-space layout of some kernels is too random for the thread sanitizer of clang 14.
if(TZ_SANITIZE MATCHES "thread")
  find_program(SETARCH setarch)
  if(SETARCH)
    execute_process(COMMAND ${SETARCH} -R true RESULT_VARIABLE setarch_result OUTPUT_QUIET ERROR_QUIET)
    if(setarch_result EQUAL 0)
      set(CMAKE_CROSSCOMPILING_EMULATOR ${SETARCH} -R)
    endif()
  endif()
endif()

set(TESTS_DIR ${CMAKE_SOURCE_DIR}/tests)
configure_file(tests/sanitizer/options.env ${CMAKE_BINARY_DIR}/sanitizer.env @ONLY)
file(STRINGS ${CMAKE_BINARY_DIR}/sanitizer.env TZ_TEST_ENVIRONMENT)

# tz_define_tests_dir(TARGET SOURCE...): TESTS_DIR is the absolute path of tests/, for sources that speak of it: the
# others stay the same wherever the tree lies. (New in a source that exists? Run cmake or ./dev check once.)
function(tz_define_tests_dir target)
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} found REGEX "TESTS_DIR" LIMIT_COUNT 1)
    if(found)
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS TESTS_DIR="${TESTS_DIR}")
    endif()
  endforeach()
endfunction()

function(tz_read_marker source marker ret)
  file(STRINGS ${source} lines REGEX "^/\\* ${marker}: .*\\*/$")
  set(values "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^/\\* ${marker}: *(.*[^ ]) *\\*/$" "\\1" value "${line}")
    separate_arguments(value UNIX_COMMAND "${value}")
    list(APPEND values ${value})
  endforeach()
  set(${ret} "${values}" PARENT_SCOPE)
endfunction()

# tz_test(SOURCE LABEL LOOP HELPERS): the target is named after the file, the CTest name after its path below tests/.
function(tz_test source label loop helpers)
  get_filename_component(target ${source} NAME_WE)
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR}/tests ${source})
  string(REGEX REPLACE "\\.c$" "" name ${name})
  if(TARGET ${target})
    string(REPLACE "/" "_" target ${name})
  endif()
  tz_read_marker(${source} label labels)
  tz_read_marker(${source} link options)
  tz_read_marker(${source} timeout timeout)
  if(NOT timeout)
    set(timeout 180)
  endif()

  add_executable(${target} ${source})
  # In a network of its own: no port that it picks is anybody else's.
  set_target_properties(${target} PROPERTIES
    CROSSCOMPILING_EMULATOR "${CMAKE_SOURCE_DIR}/tools/own-network;${CMAKE_CROSSCOMPILING_EMULATOR}")
  target_include_directories(${target} PRIVATE ${TESTS_DIR})
  tz_define_tests_dir(${target} ${source})
  target_link_options(${target} PRIVATE ${options})
  target_link_libraries(${target} PRIVATE ${helpers} tz_app PkgConfig::CMOCKA)
  tz_link(${target} ${loop})
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(${name} PROPERTIES
    LABELS "${label};${labels}" TIMEOUT ${timeout} ENVIRONMENT "${TZ_TEST_ENVIRONMENT}")
endfunction()

# tz_test_folder(FOLDER LABEL LOOP LIBRARY): the tests of a folder and the library of its helpers.
function(tz_test_folder folder label loop library)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*.c)
  set(helpers ${tests})
  list(FILTER tests INCLUDE REGEX "/test_[^/]*\\.c$")
  list(FILTER helpers EXCLUDE REGEX "/test_[^/]*\\.c$")
  if(library STREQUAL loop)
    # The simulated loop takes those files of the real one that touch no system call.
    foreach(file IN LISTS TZ_LOOP_PURE)
      if(EXISTS ${CMAKE_SOURCE_DIR}/src/loop/${file})
        list(APPEND helpers ${CMAKE_SOURCE_DIR}/src/loop/${file})
      endif()
    endforeach()
  endif()
  tz_library(${library} ${helpers})
  if(helpers)
    target_include_directories(${library} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    tz_define_tests_dir(${library} ${helpers})
    target_link_libraries(${library} PRIVATE PkgConfig::CMOCKA)
  endif()
  foreach(source IN LISTS tests)
    if(library STREQUAL loop)
      tz_test(${source} ${label} ${loop} "")
    else()
      tz_test(${source} ${label} ${loop} ${library})
    endif()
  endforeach()
endfunction()

tz_test_folder(unit unit tz_loop tz_unit)
tz_test_folder(sim sim tz_sim tz_sim)
