/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_rules.h"
#include "keygen.h"

static const settings defaults = {.registry = "medsec.db",
                                  .profile = MEDSEC_PROFILE_DEFAULT,
                                  .gateway_user = "gateway",
                                  .topic_template = MEDSEC_TOPIC_TEMPLATE_DEFAULT};

#define AT(member) offsetof(settings, member)
#define FLAG(name, help, member)                                 \
    {                                                            \
        name, NULL, help, OPTION_FLAG, AT(member), 0, 0, NULL, 0 \
    }
#define TEXT(name, meta, help, member)                           \
    {                                                            \
        name, meta, help, OPTION_TEXT, AT(member), 0, 0, NULL, 0 \
    }
#define END                                             \
    {                                                   \
        NULL, NULL, NULL, OPTION_FLAG, 0, 0, 0, NULL, 0 \
    }
#define OUT TEXT("out", "DIR", "write files into DIR; default: this folder", out)
#define SAMPLES \
    FLAG("allow-sample-keys", "take keys that anybody knows or guesses", allow_sample_keys)

static const option_spec options[] = {
    TEXT("registry", "FILE", "the registry", registry),
    TEXT("key-file", "FILE", "the registry's key; default: medsec.key beside the registry",
         key_file),
    TEXT("passphrase-file", "FILE",
         "unlock by the first line of FILE instead of a key; `-` asks at the terminal",
         passphrase_file),
    TEXT("actor", "NAME", "who does this, for the audit log; default: the login name", actor),
    FLAG("json", "print JSON", json),
    END};

#define CHOICE(name, meta, help, member, words)                     \
    {                                                               \
        name, meta, help, OPTION_CHOICE, AT(member), 0, 0, words, 0 \
    }
#define BLOCK FLAG("block", "write ID.bin, a block for a device's flash, instead of ID.json", block)
#define UF2 FLAG("uf2", "write ID.uf2, for the USB drive of a Pico, instead of ID.json", uf2)
#define DEVICE_PUBLIC                                                                        \
    TEXT("device-public", "KEY",                                                             \
         "the public key (X25519, base64) of a device that keeps its private key to itself", \
         device_public)

static const option_spec add_options[] = {
    CHOICE("wire", "WIRE", "what the device speaks", wire, keygen_wires),
    CHOICE("suite", "SUITE", "how its messages are sealed", suite, keygen_suites),
    TEXT("profile", "NAME", "what the device measures", profile),
    DEVICE_PUBLIC,
    {"count", "N", "make N devices, ID-0001 and on, as one change", OPTION_U32, AT(count), 1,
     KEYGEN_COUNT_MAX, NULL, 0},
    OUT,
    BLOCK,
    UF2,
    END};

static const option_spec rotate_options[] = {
    FLAG("keep-key", "a new shared secret alone: the device keeps its key pair", keep_key),
    DEVICE_PUBLIC,
    OUT,
    BLOCK,
    UF2,
    END};

static const option_spec import_options[] = {SAMPLES, END};

static const option_spec export_options[] = {
    OUT,
    FLAG("all", "all devices that are active", all),
    FLAG("seed-keys", "write one DEVICES_KEYS.txt as the seed's server reads it", seed_keys),
    BLOCK,
    UF2,
    END};

static const option_spec setup_key_options[] = {
    FLAG("qr", "draw it as a QR code, which opens the setup page", qr), END};

static const option_spec audit_options[] = {
    FLAG("verify", "recompute the log and compare every device with it", verify), END};

static const option_spec backup_options[] = {{"out", "FILE", "write FILE, which is not there yet",
                                              OPTION_TEXT, AT(out), 0, 0, NULL, OPTION_REQUIRED},
                                             END};

static const option_spec restore_options[] = {
    FLAG("older", "although changes that are in the log here are not in FILE's", older), END};

static const option_spec promote_options[] = {
    {"generation", "N", "the one that the gateway's log names", OPTION_U32, AT(generation), 1,
     0xffffffffu, NULL, OPTION_REQUIRED},
    END};

static const option_spec broker_acl_options[] = {
    CHOICE("format", "BROKER", "whose rules to write", format, broker_formats),
    TEXT("grants", "FILE", "who else may do what; default: nobody anything", grants),
    TEXT("gateway-user", "NAME", "the gateway's name at the broker", gateway_user),
    TEXT("topic-template", "TEMPLATE", "the gateway's", topic_template),
    {"profile", "FILE", "also know the kind of device that FILE describes", OPTION_LIST,
     AT(profiles), 0, 0, NULL, 0},
    TEXT("out", "FILE", "write FILE, in place of what is there; default: standard output", out),
    END};

static const command_spec commands[] = {
    {"init", NULL, 0, 0, "Make a registry, and its key file if there is none", NULL, keygen_init},
    {"add", "ID", 1, 1, "Add a device with new keys and write its credential file ID.json",
     add_options, keygen_add},
    {"list", NULL, 0, 0,
     "List all devices: id, state, wire, profile, time of the last change, suite and generation",
     NULL, keygen_list},
    {"show", "ID", 1, 1, "Show a device", NULL, keygen_show},
    {"import", "FILE", 1, 1, "Import a key file of the seed (DEVICES_KEYS.txt)", import_options,
     keygen_import},
    {"export", "[ID...]", 0, KEYGEN_OPERANDS_MAX, "Write credential files again; noted in the log",
     export_options, keygen_export},
    {"setup-key", "ID", 1, 1, "Print the key for a device's setup page; noted in the log",
     setup_key_options, keygen_setup_key},
    {"rotate", "ID...", 1, KEYGEN_OPERANDS_MAX,
     "Give devices new secrets; the old ones end when the new ones are used", rotate_options,
     keygen_rotate},
    {"promote", "ID", 1, 1,
     "End a device's rotation, which a gateway that only reads could not: the old secrets are gone",
     promote_options, keygen_promote},
    {"gateway-key", "show|rotate|retire", 1, 1,
     "Show the gateway's public key, make a new one, or end the one before", NULL,
     keygen_gateway_key},
    {"revoke", "ID...", 1, KEYGEN_OPERANDS_MAX, "Refuse devices from now on", NULL, keygen_revoke},
    {"decommission", "ID...", 1, KEYGEN_OPERANDS_MAX,
     "Destroy the secrets of devices for good; their ids stay taken", NULL, keygen_decommission},
    {"audit", NULL, 0, 0, "Print the audit log: number, time, hash, actor, action, device",
     audit_options, keygen_audit},
    {"backup", NULL, 0, 0, "Copy the registry while it is used, and verify the copy",
     backup_options, keygen_backup},
    {"restore", "FILE", 1, 1,
     "Put a copy in the registry's place, verified; what was there is kept", restore_options,
     keygen_restore},
    {"broker-acl", NULL, 0, 0, "Write the access rules of a broker: who may publish and read what",
     broker_acl_options, keygen_broker_acl},
    {NULL, NULL, 0, 0, NULL, NULL, NULL}};

static const man_section sections[] = {
    {"FILES",
     "medsec.db is the registry: one SQLite file, secrets sealed. medsec.key beside it is the key "
     "that opens them; without it the registry gives no secret away. ID.json is what a device "
     "needs, ID.bin the same for its flash, ID.uf2 all that a Pico needs in its flash. All are "
     "made with mode 0600, and a key file that "
     "others can read is refused.\n\n"
     "The private key of a device is in its file and nowhere else: the registry does not have it, "
     "and `export` cannot give it again. Move the file to the device, and keep no copy.\n\n"
     "A change of the registry is all or nothing, also when the machine stops in the middle. `add` "
     "and `rotate` first write the files and then make the change, and remove the files when that "
     "fails: should they be stopped in between, files stay that the registry does not know; delete "
     "those and begin again. A file is never overwritten."},
    {"SETTING UP A PICO",
     "Hold its button while connecting it by USB, and copy a UF2 file onto the drive that appears: "
     "once for the firmware, once for ID.uf2. With --uf2 `add` and `rotate` write one, and "
     "`export` "
     "for a seed device. It is for one device, once: delete it then. Older files of that device "
     "must "
     "not be used again.\n\n"
     "With its switch at configuration the device is an access point, Med_IoT, whose page at "
     "http://192.168.4.1/ asks for the setup key. `setup-key` prints it, and with --qr draws a "
     "code "
     "that opens the page with it. Who has that key can point the device to another gateway, or "
     "have it wiped. A rotation gives another setup key: the device has that of the credential "
     "that is in it."},
    {"ROTATION",
     "`rotate` makes a new shared secret, and a new key pair unless --keep-key or --device-public "
     "say otherwise, and writes a new credential file (into another folder than the old one's, by "
     "--out). Until the device uses it, old and new are accepted; with the first reading under the "
     "new one the old one is destroyed. A second `rotate` before that takes the place of the "
     "first.\n\n"
     "`gateway-key rotate` makes a new key pair for the gateways; the one before is accepted until "
     "`gateway-key retire`, so that devices can be given new credentials one by one: those of "
     "`rotate` or `export` have the new key."},
    {"BACKUP",
     "`backup` makes a copy of one moment while gateways and others use the registry; keep it "
     "apart "
     "from the key, which is not in it. `restore` first checks that the copy is whole, of this "
     "key, "
     "and that its log goes on where the log here ends: what was revoked stays revoked. --older "
     "lets it go back, and nothing else does. The file that was there is kept as "
     "medsec.db.replaced-TIME; gateways see the other one within a second.\n\n"
     "A gateway on another machine works with a copy that it only reads. It cannot end a rotation, "
     "and its log has the event rotation-stays-pending with device and generation: `promote` then "
     "ends it in the registry itself, of which the gateway gets a new copy by `restore`."},
    {"BROKER ACCESS",
     "With the rules of `broker-acl` the gateway's user alone publishes; nobody else may do "
     "anything at the broker but what a line of the grants file gives:\n\n"
     "  # USER read|command PATTERN...\n"
     "  dashboard read *\n"
     "  ward-3 read ward-3-* bed-7\n"
     "  nurse command bed-?\n\n"
     "`read` is to subscribe to what a device sends; `command` to send it Command/Config and to "
     "see what became of that. A pattern is over device ids, with `*` and `?`. `*` alone is every "
     "device there will ever be; another pattern is of those that are active now: write the rules "
     "again when devices are added."},
    {"SAMPLE KEYS",
     "A key is refused as a sample key when it is one character sixteen times, or sixteen steps "
     "through the digits, the hex digits or the letters, up or down, round at the end: "
     "AAAAAAAAAAAAAAAA, 1234567890123456, fedcba9876543210. The published keys of the seed are "
     "among them."},
    {"EXAMPLES", "  medsec-keygen init\n"
                 "  medsec-keygen add ward --count 20 --out credentials\n"
                 "  medsec-keygen rotate ward-0003 --out next\n"
                 "  medsec-keygen add bed-7 --uf2\n"
                 "  medsec-keygen setup-key bed-7 --qr\n"
                 "  medsec-keygen import DEVICES_KEYS.txt\n"
                 "  medsec-keygen revoke ward-0007\n"
                 "  medsec-keygen audit --verify\n"
                 "  medsec-keygen backup --out medsec-monday.db\n"
                 "  medsec-keygen restore medsec-monday.db\n"
                 "  medsec-keygen promote bed-7 --generation 3\n"
                 "  medsec-keygen broker-acl --format emqx --grants grants --out acl.conf"},
    {"SEE ALSO", "medsec-proxy(1), medsec-sim(1)"},
    {NULL, NULL}};

static const tool_spec tool = {
    .name = "medsec-keygen",
    .summary = "make and manage the registry of devices and their keys",
    .description =
        "A registry says which devices exist and what their secrets are. Gateways read it, and see "
        "a change within a second. Every change is a row of a log that is chained by a keyed "
        "hash.\n\n"
        "Data goes to standard output, everything else to standard error. Secrets are written to "
        "credential files only, but for what `setup-key` prints.",
    .sections = sections,
    .options = options,
    .commands = commands,
    .defaults = &defaults,
    .values_size = sizeof(settings)};

int main(int argc, char **argv)
{
    static settings values;
    return tool_main(&tool, argc, argv, &values);
}
