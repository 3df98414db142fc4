#!/usr/bin/env bash
# Two programs share a value and an array. To be run with a broker: memsharectl run -- demo.sh FOLDER
set -euo pipefail
bin=$1

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "A process makes Value<double> num = 0.0 and Array<int> arr of 5:"
coproc CREATOR { "$bin/demo_creator"; }
creator=$CREATOR_PID
read -r line <&"${CREATOR[0]}"
echo "  demo_creator[$creator]: $line"

say "memsharectl list"
"$bin/memsharectl" list

say "Another program opens both by name, stores 3.1415926 and fills the array:"
"$bin/demo_filler"
echo "  demo_filler has ended"

say "The first process prints what it finds:"
echo >&"${CREATOR[1]}"
read -r line <&"${CREATOR[0]}"
echo "$line"
read -r line <&"${CREATOR[0]}"
echo "$line"

say "The same from the shell: memsharectl get arr 1:4"
"$bin/memsharectl" get arr 1:4

say "The first process ends, and with it what it made: memsharectl list"
echo >&"${CREATOR[1]}"
wait "$creator"
"$bin/memsharectl" list
