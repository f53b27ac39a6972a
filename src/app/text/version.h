/* The version, from the build (CMakeLists.txt: project VERSION). */
#ifndef APP_TEXT_VERSION_H
#define APP_TEXT_VERSION_H

#ifndef TRAPEZOID_VERSION
#error "the build defines TRAPEZOID_VERSION"
#endif

#endif
