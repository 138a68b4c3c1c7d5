/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"
#include "settings.h"
#include "tool.h"

#include <medsec/limits.h>

static const char *const wires[] = {"auto", "seed", "seed-chained", "medsec1", NULL};

static const settings defaults = {.rate_hz = 20,
                                  .heart_rate_bpm = 72,
                                  .ramp = 1000,
                                  .patience_ms = 10000,
                                  .wait_ms = 10000,
                                  .batch = MEDSEC_BATCH_DEFAULT,
                                  .report_ms = MEDSEC_REPORT_INTERVAL_MS_DEFAULT,
                                  .ring = 1200,
                                  .coalesce = 1,
                                  .seed = 1};

#define AT(member) offsetof(settings, member)
#define FLAG(name, help, member)                                 \
    {                                                            \
        name, NULL, help, OPTION_FLAG, AT(member), 0, 0, NULL, 0 \
    }
#define FILE_NAME(name, meta, help, member, flags)                   \
    {                                                                \
        name, meta, help, OPTION_TEXT, AT(member), 0, 0, NULL, flags \
    }
#define NUMBER(name, meta, help, member, min, max)                  \
    {                                                               \
        name, meta, help, OPTION_U32, AT(member), min, max, NULL, 0 \
    }

static const option_spec options[] = {
    {"connect", "ADDR:PORT", "the gateway", OPTION_TEXT, AT(connect), 0, 0, NULL, OPTION_REQUIRED},
    FILE_NAME("credentials", "FILE|DIR", "one credential file, or a folder of them", credentials,
              OPTION_REQUIRED),
    NUMBER("devices", "N", "the first N devices of the folder by file name; default: all", devices,
           1, 1000000),
    {"rate", "HZ", "readings a second of each device", OPTION_REAL, AT(rate_hz), 0.001, 100000,
     NULL, 0},
    {"duration", "S", "end after S seconds; default: never", OPTION_SECONDS, AT(duration_ms), 0.001,
     1000000, NULL, 0},
    NUMBER("count", "N", "end after N readings of each device; default: never", count, 1, 4e9),
    {"wire", "WIRE",
     "auto: each credential's own; the seed wire as the published simulator, whose every block "
     "begins from the IV, or as the real Pico (seed-chained)",
     OPTION_CHOICE, AT(wire), 0, 0, wires, 0},
    NUMBER("batch", "N", "medsec/1: readings in a message", batch, 1, MEDSEC_BATCH_MAX),
    {"report", "S", "medsec/1: a reading waits at most S seconds for others", OPTION_SECONDS,
     AT(report_ms), 0, 3600, NULL, 0},
    NUMBER("ring", "N", "medsec/1: readings that a device keeps until they are acknowledged", ring,
           1, 10000000),
    NUMBER("boot", "N", "medsec/1: number of this start; default: the time", boot, 1, 4294967295.0),
    {"wait", "S", "medsec/1: wait at most S seconds for acknowledgements at the end",
     OPTION_SECONDS, AT(wait_ms), 0.001, 1000000, NULL, 0},
    NUMBER("seed", "N", "seed of all that is random: the same N sends the same readings", seed, 0,
           4294967295.0),
    {"heart-rate", "BPM", "of the first device; the others differ by up to a tenth", OPTION_REAL,
     AT(heart_rate_bpm), 20, 300, NULL, 0},
    {"source", "ADDR", "connect from this address, or from several in turn", OPTION_LIST,
     AT(source), 0, 0, NULL, 0},
    NUMBER("ramp", "N", "connections begun in a second", ramp, 1, 1000000),
    {"patience", "S", "give up when no device could connect for S seconds", OPTION_SECONDS,
     AT(patience_ms), 0.001, 1000000, NULL, 0},
    FLAG("no-reconnect", "a device whose connection ends does not come back", no_reconnect),
    FILE_NAME("storm", "N@S", "every S seconds N devices drop and reconnect at once", storm, 0),
    FILE_NAME("outage", "S@S",
              "no bytes pass for so many seconds out of so many, and no connection is made", outage,
              0),
    FLAG("outage-cuts", "an outage ends connections too", outage_cuts),
    FLAG("menu", "read steps from standard input: twelve ways to move the vitals", menu),
    FLAG("json", "print the summary as JSON", json),
    NUMBER("split", "N", "fault: write N bytes at a time", split, 1, 65535),
    NUMBER("coalesce", "N", "fault: write N frames or records at once", coalesce, 1, 64),
    NUMBER("slow", "BYTES_PER_S", "fault: trickle, so many bytes a second", slow, 1, 1000000),
    NUMBER("corrupt", "N", "fault: flip a bit in every N-th frame or record", corrupt, 1, 4e9),
    NUMBER("truncate", "N", "fault: cut every N-th frame or record short", truncate, 1, 4e9),
    NUMBER("drop-record", "N", "attack: leave out every N-th frame or record", drop_record, 1, 4e9),
    NUMBER("duplicate", "N", "attack: send every N-th frame or record twice", duplicate, 1, 4e9),
    NUMBER("reorder", "N", "attack: send every N-th frame or record after the next", reorder, 1,
           4e9),
    FLAG("garbage", "fault: send random bytes instead of frames or records", garbage),
    FLAG("wrong-key", "attack: speak under keys that no registry knows", wrong_key),
    FLAG("wrong-psk", "attack: medsec/1 with another psk than the device's", wrong_psk),
    FLAG("wrong-gateway-key", "attack: medsec/1 to a gateway of another key", wrong_gateway_key),
    FILE_NAME("replay", "FILE", "attack: send the bytes of a recording, then end", replay, 0),
    FILE_NAME("record", "FILE", "write what the first device sends to a file", record, 0),
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const man_section sections[] = {
    {"SUMMARY OUTPUT",
     "At the end a line on standard output, on medsec/1 a second one, or with --json an object.\n"
     "\n"
     "Of connections: connected (devices that were connected at least once), connections, "
     "reconnects, refused (attempts that failed), closed (connections that the gateway ended), cut "
     "(by --storm and --outage-cuts), bytes (handed to the kernel), received (bytes), corrupted "
     "(frames and records that a fault or attack changed, left out, doubled or moved), elapsed_s, "
     "memory_per_device (bytes, with rings and queues when they are full).\n"
     "\n"
     "Of readings: sampled, sent (handed to the kernel; on medsec/1 with those sent again), "
     "skipped "
     "(measured too late, or with no room for them). On medsec/1 also: acknowledged, "
     "unacknowledged "
     "(still kept at the end), dropped (pushed out of a full ring), resent, boot, sessions "
     "(handshakes that succeeded), faults (connections that a device gave up). latency has the "
     "milliseconds from measuring a reading to its acknowledgement: count, p50, p90, p99, max. It "
     "is null when nothing was acknowledged, as on the seed wire, and latency_reason says why.\n"
     "\n"
     "Of cuts: recovery has the seconds from a cut to the next acknowledgement of a reading of "
     "that "
     "device, on the seed wire to its next connection: count, p50, p99, max. away counts the "
     "devices that did not come so far.\n"
     "\n"
     "Readings that are unacknowledged at the end make the exit code 4."},
    {"ATTACKS",
     "Faults and attacks act on what a device has sealed, on its way to the socket. N counts the "
     "frames or records of a connection; on medsec/1 the first one is the HELLO, and the second "
     "the first that holds readings."},
    {"FILES",
     "Credential files are made by medsec-keygen and must be readable by their owner alone. A "
     "folder is searched for *.json."},
    {"EXAMPLES",
     "Five devices for ten seconds:\n"
     "\n"
     "    medsec-sim --connect 127.0.0.1:9998 --credentials devices --devices 5 --duration 10\n"
     "\n"
     "One device, byte by byte, one bit in fifty frames flipped:\n"
     "\n"
     "    medsec-sim --connect 127.0.0.1:9998 --credentials devices/a.json --split 1 --corrupt 50\n"
     "\n"
     "A thousand devices, a hundred of which come back at once every ten seconds, with the network "
     "away for five seconds of every minute:\n"
     "\n"
     "    medsec-sim --connect 127.0.0.1:9998 --credentials devices --devices 1000 \\\n"
     "        --storm 100@10 --outage 5@60\n"
     "\n"
     "What a device sent, sent once more by somebody else:\n"
     "\n"
     "    medsec-sim --connect 127.0.0.1:9998 --credentials a.json --count 100 --record flight\n"
     "    medsec-sim --connect 127.0.0.1:9998 --credentials a.json --replay flight"},
    {"SEE ALSO", "medsec-proxy(1), medsec-keygen(1)"},
    {NULL, NULL}};

const tool_spec sim_tool = {
    .name = "medsec-sim",
    .summary = "Simulate wearable devices that send vital signs to a gateway",
    .description =
        "Each device measures temperatures, acceleration and a pulse wave, and sends them "
        "encrypted over a TCP connection of its own. All devices run in one process; a device "
        "whose connection ends comes back after a growing pause. On medsec/1 it keeps a reading "
        "until the gateway has acknowledged it, and does as the gateway's configuration says; its "
        "interval is a whole number of milliseconds.\n"
        "\n"
        "The pulse signal is that of a light in a finger, after Rubins (2008). "
        "The other values stand still until a step of the menu moves them. Fault options make the "
        "devices misbehave, to test a gateway.",
    .sections = sections,
    .options = options,
    .self = {.run = sim_run},
    .defaults = &defaults,
    .values_size = sizeof(settings)};

int sim_run(const void *values, char **operands, size_t count)
{
    static fleet f; /* too large for a stack */
    (void)operands;
    (void)count;

    int code = fleet_load(&f, values);
    if (code == EXIT_DONE) {
        code = fleet_run(&f);
    }
    fleet_unload(&f);
    return code;
}

int main(int argc, char **argv)
{
    static settings values;

    return tool_main(&sim_tool, argc, argv, &values);
}
