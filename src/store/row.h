/* One binding as a row of the table. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/internal.h"

/* The columns of the table binding, in its order. */
enum store_column {
    COLUMN_ID,
    COLUMN_SUPERSEDES,
    COLUMN_AOR,
    COLUMN_KEY,
    COLUMN_CONTACT,
    COLUMN_CALL_ID,
    COLUMN_CSEQ,
    COLUMN_Q,
    COLUMN_EXPIRES,
    COLUMN_SINCE,
    COLUMN_UPDATED,
    COLUMN_TRANSPORT,
    COLUMN_REMOTE,
    COLUMN_LOCAL,
    COLUMN_LISTENER,
    COLUMN_BEHIND_NAT,
    COLUMN_USER_AGENT,
    COLUMN_INSTANCE,
    COLUMN_REG_ID,
    COLUMN_PATH,
    COLUMN_PARAMS,
    COLUMN_GRUU,
    COLUMNS
};

/* Where the texts of a row are kept while it is written. */
struct store_row_texts {
    char remote[ADDRESS_TEXT_MAX], local[ADDRESS_TEXT_MAX];
};

/* The op must be OP_PUT; it and the texts must stay until the statement has run. */
void store_row_bind(sqlite3_stmt *statement, int64_t id, const struct store_op *op,
                    struct store_row_texts *texts);
/* The present row of SELECT * FROM binding; slices are valid until the next step. False when it
 * makes no sense. */
bool store_row_read(sqlite3_stmt *statement, struct store_binding *ret_binding);

#endif
