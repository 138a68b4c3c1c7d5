# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What scripts/demo and scripts/twin share: a broker, a gateway, and a table of what arrives. The script
# that reads this sets `name`, `bin`, `title` and `seconds`, and has a function `devices_live` that
# ends it when they do not.
# Each child has a process group of its own: Ctrl-C reaches the script alone, which stops them in order.
set -m
folder='' broker='' gateway='' viewer='' devices=()

die() {
    echo "scripts/$name: $*" >&2
    exit 1
}

say() {
    echo "== $*" >&2
}

stop() {
    [ -z "$1" ] || { kill "$1" && wait "$1"; } 2>/dev/null
}

clean_up() {
    local pid
    trap '' INT TERM
    for pid in "${devices[@]}"; do
        stop "$pid"
    done
    stop "$gateway"
    stop "$viewer"
    stop "$broker"
    [ -z "$folder" ] || rm -rf "$folder"
}

# Waits up to a minute until `file` of process `pid` holds `pattern`.
wait_for() {
    local file=$1 pid=$2 pattern=$3 tries
    for ((tries = 0; tries < 1200; tries++)); do
        grep -q "$pattern" "$file" 2>/dev/null && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

start_broker() {
    local mosquitto tries
    mosquitto=$(PATH=$PATH:/usr/sbin command -v mosquitto) || die "no mosquitto; run scripts/deps"
    for ((tries = 0; tries < 20; tries++)); do
        port=$((20000 + RANDOM % 12000))
        printf 'listener %d 127.0.0.1\nallow_anonymous true\n' "$port" >"$folder/mosquitto.conf"
        "$mosquitto" -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 &
        broker=$!
        wait_for "$folder/mosquitto.log" "$broker" running && return
        stop "$broker"
        broker=''
    done
    cat "$folder/mosquitto.log" >&2
    die "mosquitto does not start"
}

start_gateway() { # options of medsec-proxy
    "$bin/medsec-proxy" --registry "$folder/medsec.db" --listen 127.0.0.1:0 \
        --broker "mqtt://127.0.0.1:$port" "$@" >"$folder/proxy.log" 2>&1 &
    gateway=$!
    wait_for "$folder/proxy.log" "$gateway" ' listening ' ||
        { cat "$folder/proxy.log" >&2; die "medsec-proxy does not start"; }
    address=127.0.0.1:$(sed -n 's/.* listening .*port=\([0-9]*\).*/\1/p' "$folder/proxy.log")
}

start_viewer() {
    mkfifo "$folder/messages"
    mosquitto_sub -h 127.0.0.1 -p "$port" -v -t 'Pico/+/Physiological_Data/#' \
        -t 'Pico/+/Internal_Device_Data/#' >"$folder/messages" 2>/dev/null &
    viewer=$!
    exec 3<"$folder/messages"
}

row='%-14s %8s %9s %8s %8s %8s %8s %8s %9s\n'

header() {
    # shellcheck disable=SC2059
    printf "$row" device temp/C pulse/V acc.x/g acc.y/g acc.z/g mcu/C mpu/C readings
}

line() {
    # shellcheck disable=SC2059
    printf "$row" "$1" "${vital[$1/Temperature]-}" "${vital[$1/Pulse_Signal]-}" \
        "${vital[$1/x]-}" "${vital[$1/y]-}" "${vital[$1/z]-}" "${vital[$1/MCU]-}" \
        "${vital[$1/MPU]-}" "${count[$1]-0}"
}

# The last topic level names a vital, but for the two temperatures inside the device.
take() {
    local path=${1#Pico/}
    id=${path%%/*}
    vital[$id/${path##*/}]=$2
    # The last one of a reading.
    [ "${path##*/}" = MPU ] || return 1
    count[$id]=$((${count[$id]-0} + 1))
}

table() {
    local id
    printf '\033[H\033[2J'
    echo "$title -> medsec-proxy $address -> broker 127.0.0.1:$port     Ctrl-C stops"
    echo
    header
    for id in $(printf '%s\n' "${!count[@]}" | sort); do
        line "$id"
    done
}

# A terminal gets a table ten times a second, a pipe one line a device and second.
show() {
    local topic payload id drawn=0
    declare -A vital=() count=()
    [ -t 1 ] || header
    while [ "$seconds" -eq 0 ] || [ "$SECONDS" -lt "$seconds" ]; do
        devices_live
        IFS=' ' read -r -t 1 -u 3 topic payload || continue
        take "$topic" "$payload" || continue
        if [ ! -t 1 ]; then
            [ $((count[$id] % 20)) -ne 1 ] || line "$id"
        elif ((++drawn % 10 == 0)); then
            table
        fi
    done
}
