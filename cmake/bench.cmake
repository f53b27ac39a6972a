# Every tests/bench/bench_*.c is one program; other .c files there are shared by all of them.

file(GLOB bench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/*.c)
set(bench_helpers ${bench_sources})
list(FILTER bench_sources INCLUDE REGEX "/bench_[^/]*\\.c$")
list(FILTER bench_helpers EXCLUDE REGEX "/bench_[^/]*\\.c$")
tz_library(tz_bench ${bench_helpers})
foreach(source IN LISTS bench_sources)
  get_filename_component(target ${source} NAME_WE)
  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE TESTS_DIR="${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(${target} PRIVATE tz_bench tz_app)
  tz_link(${target})
endforeach()

# The load generator, which has a build of its own.
if(EXISTS ${CMAKE_SOURCE_DIR}/tests/bench/CMakeLists.txt)
  add_subdirectory(${CMAKE_SOURCE_DIR}/tests/bench)
endif()
