#include <stdio.h>
#include <time.h>

#include "app/command/ask.h"
#include "app/text/age.h"

static int64_t ago(const json_t *contact, const char *key)
{
    return (int64_t)time(NULL) - age_parse_time(text_of(contact, key));
}

/* Of the object that says what NAT it is behind. */
static const json_t *nat_of(const json_t *contact)
{
    return json_object_get(contact, "nat");
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* One line of the list of all. */
static void print_line(const json_t *contact)
{
    char age[AGE_TEXT_MAX];
    print_text(text_of(contact, "aor"));
    printf("  ");
    print_text(text_of(contact, "contact"));
    printf("  from %s:%s%s, expires in %s%s\n", text_of(contact, "transport"),
           text_of(contact, "from"), is_set(nat_of(contact), "behind") ? " (NAT)" : "",
           age_text(number_of(contact, "expires_in"), age),
           !is_set(contact, "reachable")            ? ", NOT REACHABLE"
           : is_set(nat_of(contact), "unreachable") ? ", SILENT"
                                                    : "");
}

static void print_phone(const json_t *contact)
{
    char since[AGE_TEXT_MAX], updated[AGE_TEXT_MAX], seen[AGE_TEXT_MAX], expires[AGE_TEXT_MAX];
    printf("\n  ");
    print_text(text_of(contact, "contact"));
    printf("\n    from        %s:%s", text_of(contact, "transport"), text_of(contact, "from"));
    printf("\n    reach       %s", text_of(contact, "reach"));
    printf("\n    NAT         %s", text_of(nat_of(contact), "text"));
    if (is_set(nat_of(contact), "unreachable"))
        printf("\n    SILENT      it answered pings before and does not any more; it is called all "
               "the same");
    printf("\n    registered  %s ago, refreshed %s ago, expires in %s",
           age_text(ago(contact, "since"), since), age_text(ago(contact, "updated"), updated),
           age_text(number_of(contact, "expires_in"), expires));
    printf("\n    last heard  %s ago", age_text(ago(contact, "seen"), seen));
    if (text_of(contact, "instance")[0] != '\0') {
        printf("\n    instance    ");
        print_text(text_of(contact, "instance"));
    }
    if (number_of(contact, "reg_id") != 0)
        printf("\n    flow        reg-id %lld, %s", (long long)number_of(contact, "reg_id"),
               text_of(contact, "flow"));
    if (text_of(contact, "user_agent")[0] != '\0') {
        printf("\n    phone       ");
        print_text(text_of(contact, "user_agent"));
    }
    if (text_of(contact, "path")[0] != '\0') {
        printf("\n    path        ");
        print_text(text_of(contact, "path"));
    }
    (void)putchar('\n');
}

static int one(struct asking *asking, const char *aor)
{
    json_t *answer;
    int code =
        asking_ask(asking, json_pack("{s:s, s:s}", "command", "contacts", "aor", aor), &answer);
    if (code != EXIT_GOOD)
        return code;
    const json_t *contacts = json_object_get(answer, "contacts");
    code = json_array_size(contacts) > 0 ? EXIT_GOOD : EXIT_FAILED;
    if (asking->options->json) {
        print_json(answer);
        return code;
    }
    size_t i;
    json_t *contact;
    print_text(text_of(answer, "aor"));
    printf(": ");
    print_text(text_of(answer, "reason"));
    (void)putchar('\n');
    json_array_foreach(contacts, i, contact) print_phone(contact);
    json_decref(answer);
    return code;
}

/* As JSON the pages become one array, written as they come. */
static void print_page(const json_t *contacts, bool json, bool *first)
{
    size_t i;
    json_t *contact;
    json_array_foreach(contacts, i, contact)
    {
        if (json) {
            (void)fputs(*first ? "\n  " : ",\n  ", stdout);
            (void)json_dumpf(contact, stdout, 0);
        } else {
            print_line(contact);
        }
        *first = false;
    }
}

static int all(struct asking *asking)
{
    bool json = asking->options->json;
    bool first = true;
    long long cursor = 0;
    if (json)
        (void)fputs("{\"contacts\": [", stdout);
    do {
        json_t *answer;
        int code = asking_ask(
            asking, json_pack("{s:s, s:I}", "command", "contacts", "cursor", (json_int_t)cursor),
            &answer);
        if (code != EXIT_GOOD)
            return code;
        print_page(json_object_get(answer, "contacts"), json, &first);
        cursor = number_of(answer, "cursor");
        json_decref(answer);
    } while (cursor != 0);
    if (json)
        (void)fputs("]}\n", stdout);
    else if (first)
        puts("no phone is registered");
    return EXIT_GOOD;
}

int command_contacts(const struct options *options)
{
    struct asking asking;
    if (options->word_count > 1)
        return command_usage(options, "takes one address-of-record");
    int code = asking_open(&asking, options, false);
    if (code != EXIT_GOOD)
        return code;
    code = options->word_count == 1 ? one(&asking, options->words[0]) : all(&asking);
    asking_close(&asking);
    return code;
}
