# One static library per room of src/. A room that is still empty becomes an interface library.
#
# Rooms do not name each other as link dependencies: tests/sim puts its own loop in the place of tz_loop. Who may
# include whom is checked by tools/check-layers.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(DEPS REQUIRED IMPORTED_TARGET libuv openssl sqlite3 yaml-0.1 jansson libmicrohttpd zlib usrsctp)
# Not by pkg-config: Debian's libunbound.pc asks for the development files of libraries that only libunbound uses.
find_library(UNBOUND_LIBRARY unbound REQUIRED)
find_path(UNBOUND_INCLUDE_DIR unbound.h REQUIRED)
# It has no pkg-config file.
find_library(WSLAY_LIBRARY wslay REQUIRED)
find_path(WSLAY_INCLUDE_DIR wslay/wslay.h REQUIRED)

set(TZ_ROOMS service stack store loop sip sdp rtp stun base)
# Files of src/loop that know no libuv: tests/sim uses them as they are.
set(TZ_LOOP_PURE dns.c dns_answer.c dns_cache.c dns_decode.c dns_hosts.c dns_life.c dns_question.c
    ws_client.c ws_frame.c ws_head.c ws_key.c ws_layer.c ws_send.c ws_server.c)

function(tz_library name)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${name} PUBLIC PkgConfig::DEPS ${UNBOUND_LIBRARY} ${WSLAY_LIBRARY} Threads::Threads m)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${name} INTERFACE PkgConfig::DEPS ${UNBOUND_LIBRARY} ${WSLAY_LIBRARY} Threads::Threads m)
  endif()
endfunction()

foreach(room IN LISTS TZ_ROOMS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${room}/*.c)
  tz_library(tz_${room} ${sources})
endforeach()

# tz_link(TARGET [LOOP]): links every room; LOOP names the library that plays the loop (default tz_loop).
function(tz_link target)
  set(loop tz_loop)
  if(ARGC GREATER 1)
    set(loop ${ARGV1})
  endif()
  set(libs "")
  foreach(room IN LISTS TZ_ROOMS)
    if(room STREQUAL "loop")
      set(lib ${loop})
    else()
      set(lib tz_${room})
    endif()
    get_target_property(type ${lib} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
      target_link_libraries(${target} PRIVATE ${lib})
    else()
      list(APPEND libs ${lib})
    endif()
  endforeach()
  if(libs)
    list(JOIN libs "," group)
    target_link_libraries(${target} PRIVATE "$<LINK_GROUP:RESCAN,${group}>")
  endif()
endfunction()

file(GLOB_RECURSE app_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/app/*.c)
set(app_library_sources ${app_sources})
list(FILTER app_library_sources EXCLUDE REGEX "/src/app/main\\.c$")
# Everything of app but main, so that tests can reach the configuration schema and the subcommands.
tz_library(tz_app ${app_library_sources})
set_property(SOURCE ${app_library_sources} APPEND PROPERTY COMPILE_DEFINITIONS TRAPEZOID_VERSION="${PROJECT_VERSION}")
if(EXISTS ${CMAKE_SOURCE_DIR}/src/app/main.c)
  add_executable(trapezoid src/app/main.c)
  target_link_libraries(trapezoid PRIVATE tz_app)
  tz_link(trapezoid)
endif()
