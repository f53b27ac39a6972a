/* Date. RFC 3261 section 20.17: RFC 1123 dates in GMT only. */
#ifndef SIP_MESSAGE_DATE_H
#define SIP_MESSAGE_DATE_H

#include "base/writer.h"

/* "Sat, 13 Nov 2010 23:29:00 GMT" to seconds of Unix time. Years 0000 to 9999. A weekday that is
 * not that of the date is ERR_SYNTAX like any other error. */
int sip_date_parse(struct slice value, int64_t *ret_seconds);
/* Seconds of Unix time; beyond the years 0 to 9999 they count as the nearest that can be written.
 */
void sip_date_write(struct writer *w, int64_t seconds);

#endif
