#include "app/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

#define TEXT_MAX       1024
#define DNS_TIMEOUT_MS 3000

const char *doctor_verdict_name(enum doctor_verdict verdict)
{
    static const char *const names[DOCTOR_VERDICTS] = {"ok", "note", "warning", "failed"};
    return names[verdict];
}

/* What is no UTF-8 comes from names in files and certificates. */
static json_t *text_json(const char *text)
{
    json_t *string = json_string(text);
    return string != NULL ? string : json_string("(unreadable)");
}

void doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *format, ...)
{
    char text[TEXT_MAX] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    doctor->counts[verdict]++;
    json_array_append_new(doctor->findings,
                          json_pack("{s:s, s:s, s:o, s:[]}", "check", doctor->check, "verdict",
                                    doctor_verdict_name(verdict), "text", text_json(text), "do"));
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
    char text[TEXT_MAX] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *last = json_array_get(doctor->findings, json_array_size(doctor->findings) - 1);
    json_array_append_new(json_object_get(last, "do"), text_json(text));
}

static int open_lookup(struct doctor *doctor)
{
    if (doctor->lookup != NULL)
        return 0;
    struct dns_config dns = doctor->config->dns;
    if (dns.timeout_ms == 0 || dns.timeout_ms > DNS_TIMEOUT_MS)
        dns.timeout_ms = DNS_TIMEOUT_MS;
    struct lookup_options options = {.dns = &dns, .log = doctor->log};
    return lookup_open(&options, &doctor->lookup);
}

int doctor_ask(struct doctor *doctor, struct slice name, enum dns_type type,
               const struct dns_answer **ret_answer)
{
    int status = open_lookup(doctor);
    return status < 0 ? status : lookup_ask(doctor->lookup, name, type, ret_answer);
}

int doctor_ask_address(struct doctor *doctor, struct slice host, bool v6, struct address *ret)
{
    int status = open_lookup(doctor);
    return status < 0 ? status : lookup_address(doctor->lookup, host, v6, ret);
}

bool doctor_read(const char *path, char *buf, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t len = fread(buf, 1, size - 1, file);
    bool good = ferror(file) == 0;
    (void)fclose(file);
    while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == ' '))
        len--;
    buf[len] = '\0';
    return good;
}

bool doctor_read_number(const char *path, uint64_t *ret_number)
{
    char text[64];
    return doctor_read(path, text, sizeof text) &&
           slice_to_u64(slice_from_string(text), UINT64_MAX, ret_number) == 0;
}
