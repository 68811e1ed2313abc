#!/bin/bash -eu
# Builds the fuzz targets for OSS-Fuzz and for ClusterFuzzLite, inside their container: the
# binaries, what they start from and the world that they test go to $OUT. Both Dockerfiles copy it
# to $SRC/build.sh.

cd "$SRC/sim"

# The image names a nightly in this variable, which would override rust-toolchain.toml. Ours may
# be newer than that nightly.
unset RUSTUP_TOOLCHAIN
# Lets a stable compiler take -Zsanitizer, which the image and cargo-fuzz ask for. The reducer's
# bytes stay: reducer/world/build.rs keeps this from its build.
export RUSTC_BOOTSTRAP=1
# Otherwise our rustc wrapper drops that flag again, for those who fuzz on a stable compiler.
if [ "${SANITIZER:-address}" = address ]; then
  export SIM_FUZZ_ASAN=1
fi

# In a coverage build the image's own cargo makes something else of this, with the same results.
cargo fuzz build -O

built=$(cargo metadata --no-deps --format-version 1 --manifest-path fuzz/Cargo.toml |
  jq -r .target_directory)/x86_64-unknown-linux-gnu/release
for target in $(cargo fuzz list); do
  cp "$built/$target" "$OUT/"
done

# Where it runs there are no sources: targets look for these beside themselves, and put the seeds
# into the corpus on their own.
for folder in air corpus fuzz/deep fuzz/seeds fuzz/worlds sim/tests/air \
  sim/tests/fixtures/worlds; do
  mkdir -p "$OUT/$folder"
  cp -r "$folder/." "$OUT/$folder/"
done
