#include "stats.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define TEXT(name, text) text,
static const char *const kind_text[] = {STATS_KINDS(TEXT)};
static const char *const wrong_text[] = {STATS_WRONGS(TEXT)};
static const char *const latency_text[] = {"answer", "ring", "bye", "refusal"};

void stats_sent(struct stats *stats, enum stats_kind kind, size_t size)
{
    stats->sent[kind]++;
    stats->sent_size[kind] = (uint32_t)size;
}

void stats_received(struct stats *stats, enum stats_kind kind, size_t size)
{
    stats->received[kind]++;
    stats->received_size[kind] = (uint32_t)size;
}

uint64_t stats_wrong_sum(const struct stats *stats)
{
    uint64_t sum = 0;
    for (int i = 0; i < WRONG_COUNT; i++)
        sum += stats->wrong[i];
    return sum;
}

void stats_wrong(struct stats *stats, enum stats_wrong wrong, struct span message)
{
    if (stats_wrong_sum(stats) < 3)
        fprintf(stderr, "loadgen: wrong %s in:\n%.*s\n", wrong_text[wrong], (int)message.len,
                message.ptr);
    stats->wrong[wrong]++;
}

/* Sums that both forms of the report show. */
struct summary {
    double seconds, rate, cpu, busy, wait, steal, own, idle, done;
};

static struct summary summarize(const struct stats_mark *from, const struct stats_mark *to)
{
    struct summary s;
    double ns = (double)(to->now - from->now);
    s.done = (double)(to->done - from->done);
    double per_done = s.done > 0 ? 1 / s.done / 1000 : 0;
    s.seconds = ns / 1e9;
    s.rate = ns > 0 ? s.done / s.seconds : 0;
    s.cpu = (double)watch_run_ns(&from->watch, &to->watch) * per_done;
    s.wait = (double)watch_wait_ns(&from->watch, &to->watch) / 1e6;
    s.steal = (double)(to->steal - from->steal) / 1e6;
    s.idle = ns > 0 ? (double)(to->idle - from->idle) / ns : 0;
    s.own = (double)(to->cpu - from->cpu) * per_done;
    s.busy = ns > 0 ? (double)watch_run_ns(&from->watch, &to->watch) / ns : 0;
    return s;
}

static void json_counts(const char *name, const char *const *texts, const uint64_t *counts,
                        unsigned n)
{
    const char *comma = "";
    printf(",\"%s\":{", name);
    for (unsigned i = 0; i < n; i++) {
        if (!counts[i])
            continue;
        printf("%s\"%s\":%" PRIu64, comma, texts[i], counts[i]);
        comma = ",";
    }
    putchar('}');
}

static void json_messages(const char *name, const uint64_t *counts, const uint32_t *sizes)
{
    const char *comma = "";
    printf(",\"%s\":{", name);
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (!counts[i])
            continue;
        printf("%s\"%s\":{\"count\":%" PRIu64 ",\"size\":%" PRIu32 "}", comma, kind_text[i],
               counts[i], sizes[i]);
        comma = ",";
    }
    putchar('}');
}

static void json_status(const struct stats *stats)
{
    const char *comma = "";
    printf(",\"status\":{");
    for (unsigned i = 0; i < 700; i++) {
        if (!stats->status[i])
            continue;
        printf("%s\"%u\":%" PRIu64, comma, i, stats->status[i]);
        comma = ",";
    }
    putchar('}');
}

static void json_latency(const struct stats *stats)
{
    const char *comma = "";
    printf(",\"latency_us\":{");
    for (unsigned i = 0; i < LATENCY_COUNT; i++) {
        const struct histogram *h = &stats->latency[i];
        if (!h->count)
            continue;
        printf("%s\"%s\":{\"count\":%" PRIu64
               ",\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f}",
               comma, latency_text[i], h->count, histogram_us(h, 0.5), histogram_us(h, 0.9),
               histogram_us(h, 0.99), histogram_us(h, 0.999), (double)h->max_ns / 1000);
        comma = ",";
    }
    putchar('}');
}

static void json_tasks(const struct stats_mark *from, const struct stats_mark *to)
{
    const char *comma = "";
    printf(",\"tasks\":[");
    for (unsigned i = 0; i < to->watch.count; i++) {
        const struct watch_task *task = &to->watch.tasks[i];
        struct watch_task before = watch_before(&from->watch, task);
        printf("%s{\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"run_us\":%.1f,\"wait_us\":%.1f}", comma,
               task->pid, task->tid, task->name, (double)(task->run_ns - before.run_ns) / 1000,
               (double)(task->wait_ns - before.wait_ns) / 1000);
        comma = ",";
    }
    putchar(']');
}

static void report_json(const struct stats *stats, const struct stats_mark *from,
                        const struct stats_mark *to, const struct options *options,
                        const struct summary *s)
{
    printf("{\"mode\":\"%s\",\"users\":%" PRIu32 ",\"window\":%" PRIu32
           ",\"seconds\":%.3f,\"done\":%.0f,\"rate\":%.1f",
           options->mode, options->users, options->window, s->seconds, s->done, s->rate);
    printf(",\"server_us\":%.3f,\"server_cpus\":%.3f,\"server_wait_ms\":%.2f,\"steal_ms\":%.1f,"
           "\"generator_us\":%.3f,"
           "\"generator_idle\":%.3f",
           s->cpu, s->busy, s->wait, s->steal, s->own, s->idle);
    printf(",\"offered\":%" PRIu64 ",\"started\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"timeouts\":%" PRIu64 ",\"resent\":%" PRIu64 ",\"stray\":%" PRIu64
           ",\"ack_lost\":%" PRIu64 ",\"retry_after\":%" PRIu64,
           to->offered - from->offered, to->started - from->started, stats->failed, stats->timeouts,
           stats->resent, stats->stray, stats->ack_lost, stats->retry_after);
    json_status(stats);
    json_counts("wrong", wrong_text, stats->wrong, WRONG_COUNT);
    json_messages("sent", stats->sent, stats->sent_size);
    json_messages("received", stats->received, stats->received_size);
    json_latency(stats);
    json_tasks(from, to);
    puts("}");
}

static void report_text(const struct stats *stats, const struct summary *s)
{
    printf("%.0f done in %.2f s, %.0f/s", s->done, s->seconds, s->rate);
    if (s->cpu > 0)
        printf(", server %.2f us each (%.2f CPUs, waited %.1f ms for one)", s->cpu, s->busy,
               s->wait);
    printf(", generator %.2f us each\n", s->own);
    printf("failed %" PRIu64 " (timed out %" PRIu64 "), resent %" PRIu64 ", stray %" PRIu64
           ", ACK lost %" PRIu64 ", wrong %" PRIu64 "\n",
           stats->failed, stats->timeouts, stats->resent, stats->stray, stats->ack_lost,
           stats_wrong_sum(stats));
    for (unsigned i = 0; i < 700; i++) {
        if (stats->status[i])
            printf("  answered %u: %" PRIu64 "\n", i, stats->status[i]);
    }
    for (unsigned i = 0; i < LATENCY_COUNT; i++) {
        const struct histogram *h = &stats->latency[i];
        if (h->count)
            printf("%-7s p50 %.0f us, p90 %.0f, p99 %.0f, p99.9 %.0f, max %.0f\n", latency_text[i],
                   histogram_us(h, 0.5), histogram_us(h, 0.9), histogram_us(h, 0.99),
                   histogram_us(h, 0.999), (double)h->max_ns / 1000);
    }
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (stats->sent[i] || stats->received[i])
            printf("%-20s sent %" PRIu64 " (%" PRIu32 " bytes), received %" PRIu64 " (%" PRIu32
                   " bytes)\n",
                   kind_text[i], stats->sent[i], stats->sent_size[i], stats->received[i],
                   stats->received_size[i]);
    }
}

void stats_report(const struct stats *stats, const struct stats_mark *from,
                  const struct stats_mark *to, const struct options *options)
{
    struct summary summary = summarize(from, to);
    if (options->json)
        report_json(stats, from, to, options, &summary);
    else
        report_text(stats, &summary);
}
