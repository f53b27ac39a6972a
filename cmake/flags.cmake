# Compiler and linker flags, the same for every target.

find_program(CCACHE ccache)
if(CCACHE)
  # Clones of the tree share what they compiled.
  set(CMAKE_C_COMPILER_LAUNCHER env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
# No NDEBUG: assert stays on in releases. hot_assert-style checks look at TZ_DEBUG instead.
set(CMAKE_C_FLAGS_RELEASE "-O3 -g")
# TZ_FAULT_ALLOC: tests make single allocations fail (base/memory.h).
add_compile_definitions($<$<CONFIG:Debug>:TZ_DEBUG=1> $<$<CONFIG:Debug>:TZ_FAULT_ALLOC=1> _GNU_SOURCE)

# Objects do not depend on where the tree lies, and __FILE__ is src/... (ccache passes paths from build/<preset>).
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -fmacro-prefix-map=../../=)

add_compile_options(
  -Wall -Wextra -Werror
  -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wvla -Wwrite-strings -Wformat=2 -Wundef -Wcast-qual -Wnested-externs
  -Wimplicit-fallthrough -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wlogical-op -Wduplicated-cond -Wjump-misses-init)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
add_link_options(-Wl,--as-needed)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-fstack-protector-strong -fno-strict-overflow)
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT tz_ipo LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${tz_ipo})
endif()

if(TZ_SANITIZE)
  add_compile_options(-fsanitize=${TZ_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TZ_SANITIZE})
  # Sanitizers defeat gcc's flow analysis here; the release build still warns.
  add_compile_options(-Wno-null-dereference)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow)
  endif()
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()
