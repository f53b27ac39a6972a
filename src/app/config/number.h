/* Numbers with units: durations and sizes. */
#ifndef APP_CONFIG_NUMBER_H
#define APP_CONFIG_NUMBER_H

#include "app/config/schema.h"

/* A plain number, or one with a unit of the key's type ("500ms", "5s", "15m", "1h", "1d"; "64K",
 * "1M", "4G", 1,024 based). A duration without a unit is in the unit that it is kept in. Errors:
 * ERR_SYNTAX, ERR_RANGE (does not fit, or finer than it is kept). */
int config_number_parse(enum config_type type, struct slice text, uint64_t *ret_number);
/* The shortest exact form, with its unit. */
void config_number_write(enum config_type type, uint64_t number, struct writer *w);

#endif
