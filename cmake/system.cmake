# Every tests/system/*.c is a program that the system tests run.
file(GLOB system_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/system/*.c)
foreach(source IN LISTS system_sources)
  get_filename_component(target ${source} NAME_WE)
  add_executable(${target} ${source})
  tz_link(${target})
endforeach()
