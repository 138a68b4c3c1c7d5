/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"
#include "tool.h"

#include <medsec/gateway.h>

/* In the order of medsec_log_level and medsec_log_format. */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

static const settings defaults = {.listen = "0.0.0.0:9998",
                                  .topic_template = MEDSEC_TOPIC_TEMPLATE_DEFAULT,
                                  .queue_bytes = MEDSEC_MQTT_QUEUE_BYTES,
                                  .max_connections = MEDSEC_GATEWAY_CONNECTIONS,
                                  .max_half_open = MEDSEC_GATEWAY_HALF_OPEN,
                                  .source_rate = MEDSEC_GATEWAY_SOURCE_RATE,
                                  .source_burst = MEDSEC_GATEWAY_SOURCE_BURST,
                                  .identify_timeout_ms = MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS,
                                  .idle_timeout_ms = MEDSEC_GATEWAY_IDLE_TIMEOUT_MS,
                                  .log_level = MEDSEC_LOG_INFO,
                                  .log_format = MEDSEC_LOG_TEXT};

#define AT(member) offsetof(settings, member)
#define TEXT(name, meta, help, member, flags)                        \
    {                                                                \
        name, meta, help, OPTION_TEXT, AT(member), 0, 0, NULL, flags \
    }
#define NUMBER(name, meta, help, member, min, max)                  \
    {                                                               \
        name, meta, help, OPTION_U32, AT(member), min, max, NULL, 0 \
    }
#define SECONDS(name, help, member)                                          \
    {                                                                        \
        name, "S", help, OPTION_SECONDS, AT(member), 0.001, 1000000, NULL, 0 \
    }
#define CHOICE(name, meta, help, member, words)                     \
    {                                                               \
        name, meta, help, OPTION_CHOICE, AT(member), 0, 0, words, 0 \
    }
#define LIST(name, meta, help, member)                           \
    {                                                            \
        name, meta, help, OPTION_LIST, AT(member), 0, 0, NULL, 0 \
    }

static const option_spec options[] = {
    TEXT("registry", "FILE", "the registry of devices", registry, OPTION_REQUIRED),
    TEXT("key-file", "FILE", "the key that seals it; default: medsec.key beside it", key_file, 0),
    TEXT("passphrase-file", "FILE",
         "a file whose first line is the passphrase that seals it; `-` asks", passphrase_file, 0),
    LIST("profile", "FILE", "also know the kind of device that FILE describes", profiles),
    TEXT("listen", "ADDR:PORT", "where devices connect; port 0 takes a free one", listen, 0),
    TEXT("broker", "URL", "the MQTT broker, mqtt://HOST[:PORT]", broker, OPTION_REQUIRED),
    TEXT("name", "NAME",
         "name of this gateway at the broker, unique there; default: the name of the host", name,
         0),
    TEXT("topic-template", "TEMPLATE", "topic of what a device publishes", topic_template, 0),
    LIST("publish", "WHAT",
         "`fields` (a topic for each vital), `reading` (a JSON object for each reading), or both; "
         "default: fields of seed devices, both of medsec/1 devices",
         publish),
    NUMBER("seed-qos", "QOS", "quality of service of readings from seed devices, 0 or 1", seed_qos,
           0, 1),
    NUMBER("threads", "N", "loop threads; default: one for each core", threads, 1, 256),
    NUMBER("queue-bytes", "BYTES",
           "messages kept for a broker that is away or slow; beyond it devices are not read from",
           queue_bytes, 65536, 4294967295.0),
    NUMBER("max-connections", "N", "connections at a time", max_connections, 1, 1000000),
    NUMBER("max-half-open", "N",
           "connections that have not proved to be a device yet; the oldest gives way",
           max_half_open, 1, 1000000),
    NUMBER("source-rate", "N", "connections a second from one address (IPv6: one /64)", source_rate,
           1, 1000000),
    NUMBER("source-burst", "N", "connections at once from an address that was quiet", source_burst,
           1, 1000000),
    SECONDS("identify-timeout",
            "close a connection that has not proved to be a device after S seconds",
            identify_timeout_ms),
    SECONDS("idle-timeout", "close the connection of a device that is silent for S seconds",
            idle_timeout_ms),
    CHOICE("log-level", "LEVEL", "least important lines to log", log_level, levels),
    CHOICE("log-format", "FORMAT", "form of a log line", log_format, formats),
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};

static const man_section sections[] = {
    {"SIGNALS",
     "SIGTERM and SIGINT stop it cleanly: what has been accepted is delivered, for ten seconds at "
     "most. SIGHUP looks at the registry at once; without it a change is seen within a second."},
    {"TOPICS",
     "Under the template, by default Pico/DEVICE/TOPIC: the vitals' topics of the device's "
     "profile; "
     "Ip_address, Port_address, Internal_Server/Ip_address and Internal_Server/Port_address with "
     "the first reading of a connection and then every 50; Reading; Status and Profile, retained. "
     "\n\n"
     "A JSON object on Pico/DEVICE/Command/Config with any of sample_interval_ms, batch_max, "
     "report_interval_ms and version is sent to that medsec/1 device; what became of it is "
     "published on Pico/DEVICE/Command/Config/Result by the gateway that has the device. For one "
     "that is nowhere there is no answer. What is retained is not taken, and more than ten a "
     "second "
     "for a device are not answered. Whoever may publish to this topic commands the devices: "
     "restrict it at the broker."
     "\n\n"
     "The state of the gateway is retained on medsec/gateway/NAME/status."},
    {"FILES",
     "The log goes to standard error. When NOTIFY_SOCKET is set, the service manager is told when "
     "it is ready, reloading and stopping (sd_notify(3))."},
    {"EXAMPLES", "A gateway for the devices in medsec.db, on all addresses:\n"
                 "\n"
                 "    medsec-proxy --registry medsec.db --broker mqtt://127.0.0.1:1883"},
    {"SEE ALSO", "medsec-keygen(1), medsec-sim(1), mosquitto(8)"},
    {NULL, NULL}};

static const tool_spec proxy_tool = {
    .name = "medsec-proxy",
    .summary = "Carry vital signs from wearable devices to an MQTT broker",
    .description =
        "Listens for devices, finds each by its key in the registry, and publishes what it "
        "measures. Whatever a stranger or a broken device sends closes its own connection and "
        "nothing else. When the broker is away it is waited for; when too much waits, devices are "
        "not read from until it comes back.",
    .sections = sections,
    .options = options,
    .self = {.run = proxy_run},
    .defaults = &defaults,
    .values_size = sizeof(settings)};

int main(int argc, char **argv)
{
    static settings values;

    return tool_main(&proxy_tool, argc, argv, &values);
}
