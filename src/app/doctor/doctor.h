/* `trapezoid doctor`: checks of a set-up, in words, each with what to do where it fails. The table
 * of checks is in table.c, one file per family of them. */
#ifndef APP_DOCTOR_DOCTOR_H
#define APP_DOCTOR_DOCTOR_H

#include <jansson.h>

#include "app/lookup/lookup.h"
#include "app/outside/find.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_FAILED, DOCTOR_VERDICTS };

struct doctor {
    const struct app_config *config; /* borrowed */
    struct log *log;                 /* borrowed */
    const json_t *status;            /* borrowed: what the running server says; NULL: none runs */
    long pid;                        /* of it; 0: unknown */
    struct outside_found outside;
    struct lookup *lookup; /* owned; NULL until a name is asked for */
    const char *check;     /* the name of the one that runs */
    json_t *findings;      /* owned: {"check", "verdict", "text", "do": [..]} */
    unsigned counts[DOCTOR_VERDICTS];
    uint64_t until_us; /* monotonic: no check begins later */
};

struct doctor_check {
    const char *name;  /* word on the command line */
    const char *title; /* of its paragraph */
    void (*run)(struct doctor *doctor);
};
extern const struct doctor_check doctor_checks[];
extern const unsigned doctor_check_count;

const char *doctor_verdict_name(enum doctor_verdict verdict);

/* A finding of the check that runs. */
void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What to do about the finding before: a line, best a command. */
void doctor_advise(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As lookup_ask; ERR_UNREACHABLE also when no name can be asked for. */
int doctor_ask(struct doctor *doctor, struct slice name, enum dns_type type,
               const struct dns_answer **ret_answer);
int doctor_ask_address(struct doctor *doctor, struct slice host, bool v6, struct address *ret);

/* A file's beginning as a string, blanks at its end taken off; false when it cannot be read. */
bool doctor_read(const char *path, char *buf, size_t size);
/* The number in a file of one number. */
bool doctor_read_number(const char *path, uint64_t *ret_number);

/* The checks. */
void doctor_addresses(struct doctor *doctor);
void doctor_ports(struct doctor *doctor);
void doctor_inbound(struct doctor *doctor);
void doctor_certificate(struct doctor *doctor);
void doctor_names(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_files(struct doctor *doctor);
void doctor_kernel(struct doctor *doctor);
void doctor_store(struct doctor *doctor);
void doctor_firewall(struct doctor *doctor);
void doctor_machine(struct doctor *doctor);

#endif
