/* The page that a daemon serves, made of page.html when the project is built. */
#ifndef ASSENT_COMMON_DAEMON_PAGE_H
#define ASSENT_COMMON_DAEMON_PAGE_H

#include <stddef.h>

extern const unsigned char node_page[];
extern const size_t node_page_size;

#endif
