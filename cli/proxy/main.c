/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"
#include "tool.h"

#include <medsec/gateway.h>

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
    {"WATCHING",
     "--check looks at everything that is configured, up to the login at the broker, and says what "
     "is wrong; it publishes nothing and disturbs no gateway that runs."
     "\n\n"
     "With --metrics, GET /metrics gives OpenMetrics text for Prometheus; /healthz is 200 while "
     "all "
     "loops turn; /readyz is 200 while what devices send can be made safe, else 503 and the "
     "reason. There is no login: choose a loopback address."},
    {"FILES",
     "The log goes to standard error. When NOTIFY_SOCKET is set, the service manager is told when "
     "it is ready, reloading and stopping, and, when WATCHDOG_USEC is set, that it lives "
     "(sd_notify(3))."},
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
    .options = proxy_options,
    .self = {.run = proxy_run},
    .defaults = &proxy_defaults,
    .values_size = sizeof(settings)};

int main(int argc, char **argv)
{
    static settings values;

    return tool_main(&proxy_tool, argc, argv, &values);
}
