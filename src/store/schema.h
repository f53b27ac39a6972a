/* The tables, and the steps from one version of them to the next. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/internal.h"

/* In the file's header: tells ours from others ("TRPZ"). */
#define STORE_APPLICATION_ID 0x5452505a
#define STORE_SCHEMA_VERSION 2

/* Refuses what is not ours (ERR_INVALID), makes the tables of a new file, brings an older version
 * up to date. */
int store_schema_prepare(struct store *store);

#endif
