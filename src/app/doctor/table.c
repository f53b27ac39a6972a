#include "app/doctor/doctor.h"

const struct doctor_check doctor_checks[] = {
    {"addresses", "How others see this machine", doctor_addresses},
    {"ports", "Ports", doctor_ports},
    {"inbound", "Ports as seen from outside", doctor_inbound},
    {"certificate", "Certificates", doctor_certificate},
    {"names", "DNS records of the domains", doctor_names},
    {"clock", "Clock", doctor_clock},
    {"files", "Open files", doctor_files},
    {"kernel", "Kernel settings", doctor_kernel},
    {"store", "Store", doctor_store},
    {"firewall", "Firewall", doctor_firewall},
    {"machine", "Machine", doctor_machine},
};
const unsigned doctor_check_count = sizeof doctor_checks / sizeof *doctor_checks;
