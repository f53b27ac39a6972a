/* `trapezoid doctor` */
#include "app/doctor/doctor.h"

#include <stdio.h>
#include <unistd.h>

#include "app/command/ask.h"
#include "app/text/nearest.h"
#include "base/clock.h"
#include "base/error.h"

#define WHOLE_MS 60000

static bool is_wanted(const struct options *options, const struct doctor_check *check)
{
    bool wanted = options->word_count == 0;
    for (unsigned i = 0; i < options->word_count; i++)
        wanted = wanted || strcmp(options->words[i], check->name) == 0;
    return wanted;
}

/* 0, or an exit code: a word is no check. */
static int check_words(const struct options *options)
{
    for (unsigned i = 0; i < options->word_count; i++) {
        struct nearest nearest;
        bool known = false;
        nearest_init(&nearest, slice_from_string(options->words[i]));
        for (unsigned k = 0; k < doctor_check_count; k++) {
            known = known || strcmp(options->words[i], doctor_checks[k].name) == 0;
            nearest_try(&nearest, slice_from_string(doctor_checks[k].name));
        }
        if (!known)
            return command_usage(options, "there is no check \"%s\"%s%s%s", options->words[i],
                                 nearest.best[0] != '\0' ? "; did you mean " : "", nearest.best,
                                 nearest.best[0] != '\0' ? "?" : "");
    }
    return EXIT_GOOD;
}

/* ---- Printing ---- */

static void print_finding(const json_t *finding)
{
    const json_t *advice = json_object_get(finding, "do");
    size_t i;
    json_t *line;
    printf("  %-8s ", text_of(finding, "verdict"));
    print_text(text_of(finding, "text"));
    (void)putchar('\n');
    json_array_foreach(advice, i, line)
    {
        printf(i == 0 ? "           do: " : "               ");
        print_text(json_string_value(line));
        (void)putchar('\n');
    }
}

/* Those of one check, as soon as it is done. */
static void print_check(const struct doctor *doctor, const struct doctor_check *check, size_t from)
{
    printf("%s\n", check->title);
    for (size_t i = from; i < json_array_size(doctor->findings); i++)
        print_finding(json_array_get(doctor->findings, i));
    (void)fflush(stdout);
}

static void print_sum(const struct doctor *doctor)
{
    const unsigned *counts = doctor->counts;
    printf("\n%u good, %u notes, %u warnings, %u failed%s\n", counts[DOCTOR_OK],
           counts[DOCTOR_NOTE], counts[DOCTOR_WARNING], counts[DOCTOR_FAILED],
           counts[DOCTOR_FAILED] > 0    ? ": not ready"
           : counts[DOCTOR_WARNING] > 0 ? ": it works, but see the warnings"
                                        : "");
}

static void print_as_json(struct doctor *doctor)
{
    json_t *answer = json_pack(
        "{s:b, s:b, s:O, s:{s:i, s:i, s:i, s:i}}", "good", doctor->counts[DOCTOR_FAILED] == 0,
        "running", doctor->status != NULL, "findings", doctor->findings, "counts", "ok",
        (int)doctor->counts[DOCTOR_OK], "note", (int)doctor->counts[DOCTOR_NOTE], "warning",
        (int)doctor->counts[DOCTOR_WARNING], "failed", (int)doctor->counts[DOCTOR_FAILED]);
    if (answer != NULL)
        print_json(answer);
}

/* ---- Running ---- */

static void run_checks(struct doctor *doctor, const struct options *options)
{
    for (unsigned i = 0; i < doctor_check_count; i++) {
        const struct doctor_check *check = &doctor_checks[i];
        size_t from = json_array_size(doctor->findings);
        if (!is_wanted(options, check))
            continue;
        doctor->check = check->name;
        if (clock_monotonic_us() < doctor->until_us) {
            check->run(doctor);
        } else {
            doctor_say(doctor, DOCTOR_WARNING, "left out: the checks before took too long");
            doctor_advise(doctor, "trapezoid doctor %s", check->name);
        }
        if (!options->json)
            print_check(doctor, check, from);
    }
}

static void say_server(const struct doctor *doctor, const struct asking *asking)
{
    if (doctor->status != NULL)
        printf("A server runs here (version %s%s): its ports are asked.\n\n",
               text_of(doctor->status, "version"),
               json_is_true(json_object_get(doctor->status, "draining")) ? ", ending" : "");
    else
        printf("No server answers on %s: the set-up is looked at without it.\n\n",
               asking->config->control_path);
}

int command_doctor(const struct options *options)
{
    struct asking asking;
    struct log log;
    json_t *status = NULL;
    int code = check_words(options);
    if (code != EXIT_GOOD)
        return code;
    code = asking_open(&asking, options, true);
    if (code != EXIT_GOOD && code != EXIT_NO_SERVER)
        return code;
    if (asking.problems > 0) {
        asking_complain(options, EXIT_USAGE, "first the configuration must be right");
        asking_close(&asking);
        return EXIT_USAGE;
    }
    if (code == EXIT_GOOD) {
        code = asking_ask(&asking, json_pack("{s:s}", "command", "status"), &status);
        if (code != EXIT_GOOD) {
            asking_close(&asking);
            return code;
        }
    }
    log_init(&log, STDERR_FILENO, false, LOG_ERROR);
    struct doctor doctor = {.config = asking.config,
                            .log = &log,
                            .status = status,
                            .pid = (long)number_of(status, "pid"),
                            .findings = json_array(),
                            .until_us = clock_monotonic_us() + WHOLE_MS * 1000u};
    if (!options->json)
        say_server(&doctor, &asking);
    outside_find(asking.config, &log, NULL, &doctor.outside);
    run_checks(&doctor, options);
    if (options->json)
        print_as_json(&doctor);
    else
        print_sum(&doctor);
    lookup_close(doctor.lookup);
    json_decref(doctor.findings);
    json_decref(status);
    asking_close(&asking);
    return doctor.counts[DOCTOR_FAILED] > 0 ? EXIT_FAILED : EXIT_GOOD;
}
