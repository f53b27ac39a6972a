/* Steps that many scenarios begin or end with. */
#ifndef SIM_SCENARIO_STEPS_H
#define SIM_SCENARIO_STEPS_H

#define ALICE_AND_BOB                                                                              \
    "register alice\n"                                                                             \
    "register bob\n"
#define INVITED                                                                                    \
    ALICE_AND_BOB                                                                                  \
    "alice > INVITE bob sdp\n"                                                                     \
    "alice < 100\n"                                                                                \
    "bob < INVITE\n"
#define RINGING                                                                                    \
    INVITED                                                                                        \
    "bob > 180\n"                                                                                  \
    "alice < 180 from bob\n"
#define ANSWERED                                                                                   \
    RINGING                                                                                        \
    "bob > 200\n"                                                                                  \
    "alice < 200 from bob\n"
#define TALKING                                                                                    \
    ANSWERED                                                                                       \
    "alice > ACK\n"                                                                                \
    "bob < ACK\n"
#define ALICE_HANGS_UP                                                                             \
    "alice > BYE\n"                                                                                \
    "bob < BYE\n"                                                                                  \
    "bob > 200\n"                                                                                  \
    "alice < 200/BYE\n"
#define BOB_HANGS_UP                                                                               \
    "bob > BYE\n"                                                                                  \
    "alice < BYE\n"                                                                                \
    "alice > 200\n"                                                                                \
    "bob < 200/BYE\n"
/* Bob has answered status to the INVITE: the hop to him and the hop to Alice are acknowledged. */
#define REFUSED(status)                                                                            \
    "bob > " status "\n"                                                                           \
    "bob < ACK\n"                                                                                  \
    "alice < " status "\n"                                                                         \
    "alice > ACK\n"
#define MESSAGED                                                                                   \
    ALICE_AND_BOB                                                                                  \
    "alice > MESSAGE bob\n"                                                                        \
    "bob < MESSAGE\n"

#endif
