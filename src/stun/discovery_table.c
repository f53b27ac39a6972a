/* table file */
#include "stun/discovery_table.h"

#include "stun/binding.h"

#define SAME      DISCOVERY_SAME
#define DIFFERENT DISCOVERY_DIFFERENT
#define SILENT    DISCOVERY_SILENT
#define UNTOLD    DISCOVERY_UNTOLD
#define END       DISCOVERY_END

/* RFC 3489 figure 2:
 *
 *     test I --silent--> UDP blocked
 *       |
 *       +- our own address --> test II --answer--> open internet
 *       |                        +------silent---> symmetric firewall
 *       +- another one ------> test II --answer--> full cone
 *                                +------silent---> test I to the other address --another-->
 * symmetric
 *                                                    +-- same --> test III --answer--> restricted
 *                                                                   +------silent--->
 * port-restricted
 *
 * The figure takes silence in test II for a filter. It is one only if the other address answers at
 * all, so that is asked where the figure does not ask it. */
enum { C_I, C_II_HERE, C_OTHER_HERE, C_II, C_OTHER, C_III };

static const struct discovery_node classic_nodes[] = {
    [C_I] = {DISCOVERY_PLAIN, DISCOVERY_AGAINST_LOCAL},
    [C_II_HERE] = {DISCOVERY_BOTH, DISCOVERY_ANY},
    [C_OTHER_HERE] = {DISCOVERY_OTHER, DISCOVERY_ANY},
    [C_II] = {DISCOVERY_BOTH, DISCOVERY_ANY},
    [C_OTHER] = {DISCOVERY_OTHER, DISCOVERY_AGAINST_PLAIN},
    [C_III] = {DISCOVERY_PORT, DISCOVERY_ANY},
};

static const struct discovery_row classic_rows[] = {
    {C_I, SILENT, END, NAT_UDP_BLOCKED, "RFC 3489 section 10.1"},
    {C_I, SAME, C_II_HERE, 0, "RFC 3489 section 10.1"},
    {C_I, DIFFERENT, C_II, 0, "RFC 3489 section 10.1"},
    {C_I, UNTOLD, END, NAT_UNTOLD, "RFC 5780 section 5.2"},
    {C_II_HERE, SAME, END, NAT_OPEN, "RFC 3489 section 10.1"},
    {C_II_HERE, DIFFERENT, END, NAT_OPEN, "RFC 3489 section 10.1"},
    {C_II_HERE, SILENT, C_OTHER_HERE, 0, "RFC 3489 section 10.1"},
    {C_II_HERE, UNTOLD, END, NAT_NONE, "RFC 5780 section 4.4"},
    {C_OTHER_HERE, SAME, END, NAT_SYMMETRIC_FIREWALL, "RFC 3489 section 10.1"},
    {C_OTHER_HERE, DIFFERENT, END, NAT_SYMMETRIC_FIREWALL, "RFC 3489 section 10.1"},
    {C_OTHER_HERE, SILENT, END, NAT_NONE, "RFC 5780 section 4.4"},
    {C_OTHER_HERE, UNTOLD, END, NAT_NONE, "RFC 5780 section 4.4"},
    {C_II, SAME, END, NAT_FULL_CONE, "RFC 3489 section 10.1"},
    {C_II, DIFFERENT, END, NAT_FULL_CONE, "RFC 3489 section 10.1"},
    {C_II, SILENT, C_OTHER, 0, "RFC 3489 section 10.1"},
    {C_II, UNTOLD, END, NAT_SOME, "RFC 5780 section 4.4"},
    {C_OTHER, SAME, C_III, 0, "RFC 3489 section 10.1"},
    {C_OTHER, DIFFERENT, END, NAT_SYMMETRIC, "RFC 3489 section 10.1"},
    {C_OTHER, SILENT, END, NAT_SOME, "RFC 5780 section 4.3"},
    {C_OTHER, UNTOLD, END, NAT_SOME, "RFC 5780 section 4.3"},
    {C_III, SAME, END, NAT_RESTRICTED, "RFC 3489 section 10.1"},
    {C_III, DIFFERENT, END, NAT_RESTRICTED, "RFC 3489 section 10.1"},
    {C_III, SILENT, END, NAT_PORT_RESTRICTED, "RFC 3489 section 10.1"},
    {C_III, UNTOLD, END, NAT_SOME, "RFC 5780 section 4.4"},
};

/* RFC 5780 section 4.3. M_AGAIN renews what M_II is compared with. */
enum { M_I, M_AGAIN, M_II, M_III };

static const struct discovery_node mapping_nodes[] = {
    [M_I] = {DISCOVERY_PLAIN, DISCOVERY_AGAINST_LOCAL},
    [M_AGAIN] = {DISCOVERY_AGAIN, DISCOVERY_ANY},
    [M_II] = {DISCOVERY_OTHER_IP, DISCOVERY_AGAINST_PLAIN},
    [M_III] = {DISCOVERY_OTHER, DISCOVERY_AGAINST_OTHER_IP},
};

static const struct discovery_row mapping_rows[] = {
    {M_I, SAME, END, NAT_MAPPING_NONE, "RFC 5780 section 4.3, test I"},
    {M_I, DIFFERENT, M_AGAIN, 0, "RFC 5780 section 4.3, test I"},
    {M_I, SILENT, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 4.2"},
    {M_I, UNTOLD, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 5.2"},
    {M_AGAIN, SAME, M_II, 0, "RFC 5780 section 4.5"},
    {M_AGAIN, DIFFERENT, M_II, 0, "RFC 5780 section 4.5"},
    {M_AGAIN, SILENT, M_II, 0, "RFC 5780 section 4.5"},
    {M_AGAIN, UNTOLD, M_II, 0, "RFC 5780 section 4.5"},
    {M_II, SAME, END, NAT_MAPPING_ENDPOINT, "RFC 5780 section 4.3, test II"},
    {M_II, DIFFERENT, M_III, 0, "RFC 5780 section 4.3, test II"},
    {M_II, SILENT, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 4.3, test II"},
    {M_II, UNTOLD, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 4.3"},
    {M_III, SAME, END, NAT_MAPPING_ADDRESS, "RFC 5780 section 4.3, test III"},
    {M_III, DIFFERENT, END, NAT_MAPPING_PORT, "RFC 5780 section 4.3, test III"},
    {M_III, SILENT, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 4.3, test III"},
    {M_III, UNTOLD, END, NAT_MAPPING_UNTOLD, "RFC 5780 section 4.3"},
};

/* RFC 5780 section 4.4, with the same question as above: does the other address answer at all? */
enum { F_I, F_II, F_OTHER, F_III };

static const struct discovery_node filtering_nodes[] = {
    [F_I] = {DISCOVERY_PLAIN, DISCOVERY_ANY},
    [F_II] = {DISCOVERY_BOTH, DISCOVERY_ANY},
    [F_OTHER] = {DISCOVERY_OTHER, DISCOVERY_ANY},
    [F_III] = {DISCOVERY_PORT, DISCOVERY_ANY},
};

static const struct discovery_row filtering_rows[] = {
    {F_I, SAME, F_II, 0, "RFC 5780 section 4.4, test I"},
    {F_I, DIFFERENT, F_II, 0, "RFC 5780 section 4.4, test I"},
    {F_I, SILENT, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 4.2"},
    {F_I, UNTOLD, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 5.2"},
    {F_II, SAME, END, NAT_FILTERING_ENDPOINT, "RFC 5780 section 4.4, test II"},
    {F_II, DIFFERENT, END, NAT_FILTERING_ENDPOINT, "RFC 5780 section 4.4, test II"},
    {F_II, SILENT, F_OTHER, 0, "RFC 5780 section 4.4, test II"},
    {F_II, UNTOLD, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 4.4"},
    {F_OTHER, SAME, F_III, 0, "RFC 5780 section 4.4, test II"},
    {F_OTHER, DIFFERENT, F_III, 0, "RFC 5780 section 4.4, test II"},
    {F_OTHER, SILENT, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 4.4"},
    {F_OTHER, UNTOLD, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 4.4"},
    {F_III, SAME, END, NAT_FILTERING_ADDRESS, "RFC 5780 section 4.4, test III"},
    {F_III, DIFFERENT, END, NAT_FILTERING_ADDRESS, "RFC 5780 section 4.4, test III"},
    {F_III, SILENT, END, NAT_FILTERING_PORT, "RFC 5780 section 4.4, test III"},
    {F_III, UNTOLD, END, NAT_FILTERING_UNTOLD, "RFC 5780 section 4.4"},
};

enum { H_I, H_SECOND, H_HAIRPIN };

static const struct discovery_node turning_nodes[] = {
    [H_I] = {DISCOVERY_PLAIN, DISCOVERY_AGAINST_LOCAL},
    [H_SECOND] = {DISCOVERY_SECOND, DISCOVERY_ANY},
    [H_HAIRPIN] = {DISCOVERY_HAIRPIN, DISCOVERY_ANY},
};

static const struct discovery_row turning_rows[] = {
    {H_I, SAME, END, NAT_HAIRPIN_NO_NAT, "RFC 5780 section 3.4"},
    {H_I, DIFFERENT, H_SECOND, 0, "RFC 5780 section 3.4"},
    {H_I, SILENT, END, NAT_HAIRPIN_UNTOLD, "RFC 5780 section 4.2"},
    {H_I, UNTOLD, END, NAT_HAIRPIN_UNTOLD, "RFC 5780 section 5.2"},
    {H_SECOND, SAME, H_HAIRPIN, 0, "RFC 5780 section 3.4"},
    {H_SECOND, DIFFERENT, H_HAIRPIN, 0, "RFC 5780 section 3.4"},
    {H_SECOND, SILENT, END, NAT_HAIRPIN_UNTOLD, "RFC 5780 section 3.4"},
    {H_SECOND, UNTOLD, END, NAT_HAIRPIN_UNTOLD, "RFC 5780 section 3.4"},
    {H_HAIRPIN, SAME, END, NAT_HAIRPIN_YES, "RFC 5780 section 3.4"},
    {H_HAIRPIN, DIFFERENT, END, NAT_HAIRPIN_YES, "RFC 5780 section 3.4"},
    {H_HAIRPIN, SILENT, END, NAT_HAIRPIN_NO, "RFC 5780 section 3.4"},
    {H_HAIRPIN, UNTOLD, END, NAT_HAIRPIN_UNTOLD, "RFC 5780 section 3.4"},
};

/* A server that does not know PADDING says 420 or nothing: silence tells of fragments only once a
 * few bytes of it were answered. */
enum { P_I, P_PADDED, P_FRAGMENTS };

static const struct discovery_node pieces_nodes[] = {
    [P_I] = {DISCOVERY_PLAIN, DISCOVERY_ANY},
    [P_PADDED] = {DISCOVERY_PADDED, DISCOVERY_ANY},
    [P_FRAGMENTS] = {DISCOVERY_FRAGMENTS, DISCOVERY_ANY},
};

static const struct discovery_row pieces_rows[] = {
    {P_I, SAME, P_PADDED, 0, "RFC 5780 section 3.5"},
    {P_I, DIFFERENT, P_PADDED, 0, "RFC 5780 section 3.5"},
    {P_I, SILENT, END, NAT_FRAGMENTS_UNTOLD, "RFC 5780 section 4.2"},
    {P_I, UNTOLD, END, NAT_FRAGMENTS_UNTOLD, "RFC 5780 section 5.2"},
    {P_PADDED, SAME, P_FRAGMENTS, 0, "RFC 5780 section 3.5"},
    {P_PADDED, DIFFERENT, P_FRAGMENTS, 0, "RFC 5780 section 3.5"},
    {P_PADDED, SILENT, END, NAT_FRAGMENTS_UNTOLD, "RFC 5780 section 7.6"},
    {P_PADDED, UNTOLD, END, NAT_FRAGMENTS_UNTOLD, "RFC 5780 section 5"},
    {P_FRAGMENTS, SAME, END, NAT_FRAGMENTS_PASS, "RFC 5780 section 3.5"},
    {P_FRAGMENTS, DIFFERENT, END, NAT_FRAGMENTS_PASS, "RFC 5780 section 3.5"},
    {P_FRAGMENTS, SILENT, END, NAT_FRAGMENTS_LOST, "RFC 5780 section 3.5"},
    {P_FRAGMENTS, UNTOLD, END, NAT_FRAGMENTS_UNTOLD, "RFC 5780 section 5"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define FIGURE(name)                                                                               \
    {                                                                                              \
#name, COUNT(name##_nodes), COUNT(name##_rows), name##_nodes, name##_rows                  \
    }

const struct discovery_figure discovery_figures[DISCOVERY_PROCEDURES] = {
    [DISCOVERY_CLASSIC] = FIGURE(classic),     [DISCOVERY_MAPPING] = FIGURE(mapping),
    [DISCOVERY_FILTERING] = FIGURE(filtering), [DISCOVERY_TURNING] = FIGURE(turning),
    [DISCOVERY_PIECES] = FIGURE(pieces),
};

#define AFTER(test) (1u << DISCOVERY_##test)

/* Whatever is sent to the other address opens the filter for it: that comes after tests II and III
 * (RFC 5780 section 3.2). Sends: 5 last 3.1 s, 6 last 4.7 s. */
const struct discovery_plan discovery_plans[DISCOVERY_TESTS] = {
    [DISCOVERY_PLAIN] = {DISCOVERY_MAIN, 6, 0, false, 0, "RFC 5780 section 4.2"},
    [DISCOVERY_BOTH] = {DISCOVERY_FOR_BOTH, 5, STUN_CHANGE_IP | STUN_CHANGE_PORT, true,
                        AFTER(PLAIN), "RFC 5780 section 4.4"},
    [DISCOVERY_PORT] = {DISCOVERY_FOR_PORT, 5, STUN_CHANGE_PORT, true, AFTER(PLAIN),
                        "RFC 5780 section 4.4"},
    [DISCOVERY_SECOND] = {DISCOVERY_ALONGSIDE, 5, 0, false, AFTER(PLAIN), "RFC 5780 section 3.4"},
    [DISCOVERY_HAIRPIN] = {DISCOVERY_ALONGSIDE, 5, 0, false, AFTER(SECOND), "RFC 5780 section 3.4"},
    [DISCOVERY_PADDED] = {DISCOVERY_FOR_PADDING, 4, 0, false, AFTER(PLAIN), "RFC 5780 section 3.5"},
    [DISCOVERY_FRAGMENTS] = {DISCOVERY_FOR_PADDING, 4, 0, false, AFTER(PADDED),
                             "RFC 5780 section 3.5"},
    [DISCOVERY_AGAIN] = {DISCOVERY_MAIN, 5, 0, true, AFTER(BOTH) | AFTER(PORT),
                         "RFC 5780 section 4.5"},
    [DISCOVERY_OTHER_IP] = {DISCOVERY_MAIN, 5, 0, true, AFTER(BOTH) | AFTER(PORT) | AFTER(AGAIN),
                            "RFC 5780 section 4.3"},
    [DISCOVERY_OTHER] = {DISCOVERY_MAIN, 5, 0, true,
                         AFTER(BOTH) | AFTER(PORT) | AFTER(AGAIN) | AFTER(OTHER_IP),
                         "RFC 5780 section 4.3"},
};
