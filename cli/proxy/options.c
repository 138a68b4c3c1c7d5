/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"
#include "settings.h"

#include <medsec/gateway.h>

/* In the order of medsec_log_level and medsec_log_format. */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const sandboxes[] = {"off", "on", "strict", NULL}; /* as sandbox_mode */
static const char *const clients[] = {"paho", "mosquitto", NULL}; /* as mqtt_client */

const settings proxy_defaults = {.listen = "0.0.0.0:9998",
                                 .topic_template = MEDSEC_TOPIC_TEMPLATE_DEFAULT,
                                 .mqtt_client = MQTT_CLIENT_PAHO,
                                 .broker_connections = 1,
                                 .spool_mebibytes = 1024,
                                 .spool_age_ms = MEDSEC_SPOOL_AGE_S * 1000u,
                                 .queue_bytes = MEDSEC_MQTT_QUEUE_BYTES,
                                 .max_connections = MEDSEC_GATEWAY_CONNECTIONS,
                                 .max_half_open = MEDSEC_GATEWAY_HALF_OPEN,
                                 .source_rate = MEDSEC_GATEWAY_SOURCE_RATE,
                                 .source_burst = MEDSEC_GATEWAY_SOURCE_BURST,
                                 .identify_timeout_ms = MEDSEC_GATEWAY_IDENTIFY_TIMEOUT_MS,
                                 .idle_timeout_ms = MEDSEC_GATEWAY_IDLE_TIMEOUT_MS,
                                 .sandbox = SANDBOX_ON,
                                 .log_level = MEDSEC_LOG_INFO,
                                 .log_format = MEDSEC_LOG_TEXT};

#define AT(member) offsetof(settings, member)
#define TEXT(name, meta, help, member, flags)                        \
    {                                                                \
        name, meta, help, OPTION_TEXT, AT(member), 0, 0, NULL, flags \
    }
#define FLAG(name, help, member)                                 \
    {                                                            \
        name, NULL, help, OPTION_FLAG, AT(member), 0, 0, NULL, 0 \
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

const option_spec proxy_options[] = {
    TEXT("registry", "FILE", "the registry of devices", registry, OPTION_REQUIRED),
    TEXT("key-file", "FILE", "the key that seals it; default: medsec.key beside it", key_file, 0),
    FLAG("registry-read-only", "never write the registry: it is a copy", registry_read_only),
    TEXT("passphrase-file", "FILE",
         "a file whose first line is the passphrase that seals it; `-` asks", passphrase_file, 0),
    LIST("profile", "FILE", "also know the kind of device that FILE describes", profiles),
    TEXT("listen", "ADDR:PORT", "where devices connect; port 0 takes a free one", listen, 0),
    TEXT("broker", "URL", "the MQTT broker, mqtts://HOST[:PORT], or mqtt://HOST[:PORT] without TLS",
         broker, OPTION_REQUIRED),
    TEXT("broker-ca", "FILE",
         "certificates of the authorities that may vouch for the broker; default: the system's",
         broker_ca, 0),
    TEXT("broker-pin", "PIN",
         "the broker's public key as sha256//BASE64, several joined by `;`; with --mqtt-client "
         "mosquitto",
         broker_pin, 0),
    TEXT("broker-cert", "FILE", "our own certificate, for a broker that asks for one", broker_cert,
         0),
    TEXT("broker-key", "FILE", "its private key; not readable by others", broker_key, 0),
    TEXT("broker-user", "NAME", "login at the broker", broker_user, 0),
    TEXT("broker-password-file", "FILE",
         "a file whose first line is its password; not readable by others", broker_password_file,
         0),
    FLAG("insecure-broker",
         "send readings in clear text, without TLS, to a broker at a public address",
         insecure_broker),
    CHOICE("mqtt-client", "CLIENT",
           "`mosquitto` takes less time for a message, `paho` is the one that was there before",
           mqtt_client, clients),
    NUMBER("broker-connections", "N",
           "connections to the broker; a device always uses the same one", broker_connections, 1,
           64),
    TEXT("spool", "DIR",
         "keep messages in this folder while the broker is away; one folder for each gateway",
         spool, 0),
    NUMBER("spool-size", "MIB", "mebibytes that the spool may take", spool_mebibytes, 8, 16777216),
    SECONDS("spool-age", "throw away what waited in the spool for longer than S seconds",
            spool_age_ms),
    TEXT("name", "NAME",
         "name of this gateway at the broker, unique there; default: the name of the host", name,
         0),
    TEXT("topic-template", "TEMPLATE", "topic of what a device publishes", topic_template, 0),
    LIST("publish", "WHAT",
         "any of `fields` (a topic for each vital), `reading` (a JSON object for each reading) and "
         "`batch` (a JSON object for all that came together); default: fields of seed devices, "
         "fields and reading of medsec/1 devices",
         publish),
    NUMBER("seed-qos", "QOS", "quality of service of readings from seed devices, 0 or 1", seed_qos,
           0, 1),
    FLAG("no-heart-rate",
         "take no heart rate from the signals that profiles name, and publish none", no_heart_rate),
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
    TEXT("proxy-protocol", "NETS",
         "load balancers, as 10.1.0.5,10.2.0.0/24: each connection from there begins with a header "
         "of the PROXY protocol (1 or 2), which is believed",
         proxy_protocol, 0),
    TEXT(
        "metrics", "ADDR:PORT",
        "serve /metrics, /healthz and /readyz over HTTP; on a loopback address, as it has no login",
        metrics, 0),
    TEXT("user", "NAME",
         "become this user before any file but the configuration is opened; for a start as root",
         user, 0),
    CHOICE(
        "sandbox", "MODE",
        "let the process ask of the kernel only what a gateway needs (seccomp); `strict` ends it "
        "at anything else, `off` is for debuggers",
        sandbox, sandboxes),
    FLAG("check", "look at everything that is configured, say what is wrong, and stop", check),
    CHOICE("log-level", "LEVEL", "least important lines to log", log_level, levels),
    CHOICE("log-format", "FORMAT", "form of a log line", log_format, formats),
    {NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0}};
