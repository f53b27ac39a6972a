#include "sim/server/journal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

static char *copy_text(struct slice s)
{
    char *text = malloc(s.len + 1);
    if (text == NULL)
        abort();
    return slice_to_string(s, text, s.len + 1);
}

static void row_free(struct journal_row *row)
{
    list_remove(&row->node);
    free(row->aor);
    free(row->key);
    free(row->text);
    free(row);
}

static struct slice take(char **at, struct slice s)
{
    if (s.len == 0)
        return SLICE_NULL;
    memcpy(*at, s.ptr, s.len);
    struct slice copy = slice_of(*at, s.len);
    *at += s.len;
    return copy;
}

static void copy_binding(struct journal_row *row, const struct binding *b)
{
    size_t size = b->contact.len + b->params.len + b->call_id.len + b->instance.len + b->path.len +
                  b->user_agent.len;
    row->text = malloc(size + 1);
    if (row->text == NULL)
        abort();
    char *at = row->text;
    row->binding = *b;
    row->binding.contact = take(&at, b->contact);
    row->binding.params = take(&at, b->params);
    row->binding.call_id = take(&at, b->call_id);
    row->binding.instance = take(&at, b->instance);
    row->binding.path = take(&at, b->path);
    row->binding.user_agent = take(&at, b->user_agent);
}

static struct journal_row *row_at(const struct journal *journal, int64_t place)
{
    list_for_each(node, &journal->rows)
    {
        struct journal_row *row = container_of(node, struct journal_row, node);
        if (row->place == place)
            return row;
    }
    return NULL;
}

/* A binding lies in one place only: the location has named every old one. */
static void assert_alone(const struct journal *journal, const struct journal_row *like)
{
    list_for_each(node, &journal->rows)
    {
        const struct journal_row *row = container_of(node, struct journal_row, node);
        if (strcmp(row->aor, like->aor) == 0 && strcmp(row->key, like->key) == 0)
            abort();
    }
}

/* ---- commits ---- */

static void begin(struct journal *journal)
{
    if (sim_event_queued(&journal->commit) || list_empty(&journal->waiting))
        return;
    while (!list_empty(&journal->waiting)) {
        struct list *node = journal->waiting.next;
        list_remove(node);
        list_append(&journal->writing, node);
    }
    sim_event_after(&journal->world->events, &journal->commit,
                    sim_between(journal->world, journal->commit_low_us, journal->commit_high_us));
}

static int64_t make_durable(struct journal *journal)
{
    int64_t ticket = 0;
    while (!list_empty(&journal->writing)) {
        struct journal_row *row = container_of(journal->writing.next, struct journal_row, node);
        struct journal_row *old = row_at(journal, row->old_place);
        ticket = row->place;
        if (old != NULL)
            row_free(old);
        list_remove(&row->node);
        if (row->removal) {
            row_free(row);
            continue;
        }
        assert_alone(journal, row);
        list_append(&journal->rows, &row->node);
    }
    return ticket;
}

static int64_t forget(struct list *rows)
{
    int64_t ticket = 0;
    while (!list_empty(rows)) {
        struct journal_row *row = container_of(rows->next, struct journal_row, node);
        ticket = row->place;
        row_free(row);
    }
    return ticket;
}

/* What could not be written is tried again, before what has come since. */
static int64_t put_back(struct journal *journal)
{
    struct list *last = journal->writing.prev;
    int64_t ticket = container_of(last, struct journal_row, node)->place;
    while (!list_empty(&journal->writing)) {
        struct list *node = journal->writing.prev;
        list_remove(node);
        list_prepend(&journal->waiting, node);
    }
    return ticket;
}

static void on_commit(struct sim_event *event)
{
    struct journal *journal = container_of(event, struct journal, commit);
    bool fails = journal->fail_commits > 0;
    journal->fail_commits -= fails;
    int64_t ticket = fails ? put_back(journal) : make_durable(journal);
    journal->commits++;
    if (journal->on_commit != NULL)
        journal->on_commit(journal->user, ticket, fails ? ERR_IO : 0);
    begin(journal);
}

int64_t journal_write(void *user, struct slice aor, const struct location_journal_entry *entries,
                      unsigned count)
{
    struct journal *journal = user;
    if (journal->full)
        return ERR_LIMIT;
    for (unsigned i = 0; i < count; i++) {
        struct journal_row *row = calloc(1, sizeof(*row));
        if (row == NULL)
            abort();
        row->aor = copy_text(aor);
        row->key = copy_text(entries[i].key);
        row->place = ++journal->last_ticket;
        row->old_place = entries[i].old_place;
        row->removal = entries[i].binding == NULL;
        if (!row->removal)
            copy_binding(row, entries[i].binding);
        list_append(&journal->waiting, &row->node);
    }
    begin(journal);
    return journal->last_ticket;
}

/* ---- the whole ---- */

void journal_init(struct journal *journal, struct sim_world *world)
{
    *journal = (struct journal){.world = world, .commit_low_us = 1000, .commit_high_us = 1000};
    list_init(&journal->rows);
    list_init(&journal->waiting);
    list_init(&journal->writing);
    sim_event_init(&journal->commit, on_commit);
}

void journal_done(struct journal *journal)
{
    sim_event_cancel(&journal->world->events, &journal->commit);
    (void)forget(&journal->writing);
    (void)forget(&journal->waiting);
    (void)forget(&journal->rows);
}

void journal_crash(struct journal *journal)
{
    sim_event_cancel(&journal->world->events, &journal->commit);
    journal->on_commit = NULL;
    if (sim_chance(journal->world, 500))
        (void)make_durable(journal);
    (void)forget(&journal->writing);
    (void)forget(&journal->waiting);
}

void journal_flush(struct journal *journal)
{
    sim_event_cancel(&journal->world->events, &journal->commit);
    journal->on_commit = NULL;
    (void)make_durable(journal);
    begin(journal);
    sim_event_cancel(&journal->world->events, &journal->commit);
    (void)make_durable(journal);
}

void journal_load(struct journal *journal, struct location *location, int64_t now_ms)
{
    list_for_each_safe(node, &journal->rows)
    {
        struct journal_row *row = container_of(node, struct journal_row, node);
        if (row->binding.expires_ms <= now_ms) {
            row_free(row);
            continue;
        }
        int status = location_load(location, slice_from_string(row->aor),
                                   slice_from_string(row->key), &row->binding, row->place, now_ms);
        assert(status == 0);
        (void)status;
    }
}
