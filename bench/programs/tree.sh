#!/bin/bash
# A tree of `BRANCHES` shells with `LEAVES` sleepers each; every leaf carries TOKEN on its command line.
# Says "grown" when all of it runs.
branches=$1 leaves=$2 token=$3
for ((b = 0; b < branches; b++)); do
  (
    for ((l = 0; l < leaves; l++)); do sleep "$token" & done
    echo branch
    wait
  ) &
done
echo grown
wait
