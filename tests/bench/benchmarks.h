// All that is measured; each of these says what it wants measured and what of it goes into the table.
#pragma once

#include "tests/bench/broker_process.h"
#include "tests/bench/minimal_server.h"
#include "tests/bench/report.h"

#include <deque>

namespace memshare::bench {

// Both kinds of servers, in each setting that the machine allows.
struct Servers {
    std::deque<BrokerProcess> brokers;
    std::deque<MinimalServer> blocking, epoll, spinning;

    Servers();
};

void add_create_and_attach(Report& report, Servers& servers);
void add_pipeline(Report& report, Servers& servers);
void add_value(Report& report, Servers& servers);
void add_slots(Report& report, Servers& servers);
void add_lock(Report& report, Servers& servers);
void add_wake(Report& report, Servers& servers);
void add_recovery(Report& report, Servers& servers);
void add_array(Report& report, Servers& servers);
void add_touch(Report& report, Servers& servers);
void add_json(Report& report);
void add_idle(Report& report, Servers& servers);
void add_isolation(Report& report);
void add_keeping(Report& report);

// Ends what create and attach may leave behind in /dev/shm when this program is interrupted.
void remove_raw_names_when_interrupted();

} // namespace memshare::bench
