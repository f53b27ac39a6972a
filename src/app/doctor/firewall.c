/* What the machine's own firewall lets in, as far as its rules can be read; and SIP helpers, which
 * change what passes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/doctor/doctor.h"
#include "app/doctor/ruleset.h"
#include "app/outside/interfaces.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#define OUTPUT_MAX (4 * 1024 * 1024)
#define WAIT_MS    3000

/* All that comes along fd until its end; false: too much, or too late. */
static bool read_all(int fd, char *buf, size_t size)
{
    uint64_t until_us = clock_monotonic_us() + WAIT_MS * 1000u;
    size_t len = 0;
    while (clock_monotonic_us() < until_us && len < size - 1) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 100) <= 0)
            continue;
        ssize_t got = read(fd, buf + len, size - 1 - len);
        if (got < 0 && errno != EINTR)
            return false;
        if (got == 0) {
            buf[len] = '\0';
            return true;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    return false;
}

/* What nft writes, as a new reference; NULL: it is not there, may not look, or says no JSON. */
static json_t *run_nft(void)
{
    char texts[4][8] = {"nft", "-j", "list", "ruleset"}; /* posix_spawn takes no const */
    char *const words[] = {texts[0], texts[1], texts[2], texts[3], NULL};
    int ends[2];
    pid_t pid;
    json_t *json = NULL;
    char *output = memory_alloc(OUTPUT_MAX);
    posix_spawn_file_actions_t actions;
    if (output == NULL || pipe(ends) < 0) {
        memory_free(output);
        return NULL;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    bool started = posix_spawn(&pid, "/usr/sbin/nft", &actions, NULL, words, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (started) {
        int status = 0;
        bool whole = read_all(ends[0], output, OUTPUT_MAX);
        if (!whole)
            (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        if (whole && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            json = json_loads(output, 0, NULL);
    }
    (void)close(ends[0]);
    memory_free(output);
    return json;
}

static void check_ports(struct doctor *doctor, const json_t *ruleset, const char *chain)
{
    const struct app_config *config = doctor->config;
    unsigned missing = 0;
    for (unsigned i = 0; i < config->listen.count; i++) {
        const struct endpoint_listener *listener = &config->listen.items[i];
        unsigned port = address_port(&listener->local);
        bool udp = listener->transport == TRANSPORT_UDP;
        if (address_is_loopback(&listener->local) || address_is_v6(&listener->local) ||
            ruleset_names_port(ruleset, port))
            continue;
        if (missing++ == 0)
            doctor_say(doctor, DOCTOR_WARNING,
                       "the chain %s drops what no rule lets in, and no rule names these ports",
                       chain);
        doctor_advise(doctor, "sudo nft insert rule %s %s dport %u accept", chain,
                      udp ? "udp" : "tcp", port);
    }
    if (missing == 0)
        doctor_say(doctor, DOCTOR_OK, "the chain %s has rules for every port that is listened on",
                   chain);
}

static void check_rules(struct doctor *doctor)
{
    struct ruleset_verdict verdict;
    json_t *ruleset = run_nft();
    if (ruleset == NULL) {
        doctor_say(doctor, DOCTOR_NOTE,
                   access("/usr/sbin/nft", X_OK) < 0 ? "nftables is not installed; other firewalls "
                                                       "are not looked at"
                                                     : "its rules cannot be read by this user");
        if (geteuid() != 0)
            doctor_advise(doctor, "sudo trapezoid doctor firewall");
        return;
    }
    ruleset_read(ruleset, &verdict);
    if (verdict.closed)
        check_ports(doctor, ruleset, verdict.chain);
    else
        doctor_say(doctor, DOCTOR_OK, "no rule of nftables keeps anything out in general");
    json_decref(ruleset);
}

/* A router between us and the phones may have one as well. */
static void check_helpers(struct doctor *doctor)
{
    char modules[65536];
    bool behind_nat = doctor->outside.hosts[OUTSIDE_V4].source != OUTSIDE_INTERFACES &&
                      !interfaces_have(&doctor->outside.hosts[OUTSIDE_V4].address);
    if (doctor_read("/proc/modules", modules, sizeof modules) &&
        strstr(modules, "nf_nat_sip ") != NULL) {
        doctor_say(doctor, DOCTOR_WARNING,
                   "nf_nat_sip is loaded: where a rule uses it, it rewrites SIP that passes");
        doctor_advise(doctor, "sudo modprobe -r nf_nat_sip nf_conntrack_sip");
    }
    if (behind_nat)
        doctor_say(
            doctor, DOCTOR_NOTE,
            "behind a NAT: a router's \"SIP ALG\" breaks registrations and sound; turn it off "
            "there, or use TLS, which it cannot change");
}

void doctor_firewall(struct doctor *doctor)
{
    check_rules(doctor);
    check_helpers(doctor);
}
