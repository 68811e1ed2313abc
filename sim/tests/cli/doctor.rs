//! `sim doctor`: what is missing, what the world here needs, and programs that behave oddly.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, Said, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("doctor", "nothing_is_there", nothing_is_there),
        trial("doctor", "what_a_world_needs", what_a_world_needs),
        trial("doctor", "worlds_that_are_not_right", not_right),
        trial("doctor", "here", here),
        #[cfg(unix)]
        trial("doctor", "odd_programs", odd_programs),
    ]
}

/// With the programs in the folder `bin`, and no others.
fn doctor(place: &Place, folder: &str) -> Said {
    let bin = place.path("bin").display().to_string();
    let cache = place.path("cache").display().to_string();
    let variables = [
        ("PATH", &*bin),
        ("CARGO", "cargo"),
        ("SIM_CACHE_DIR", &*cache),
    ];
    place.sim_with(&format!("doctor {folder}"), &variables)
}

fn nothing_is_there() {
    let place = Place::new();
    let said = doctor(&place, "");
    assert_eq!((said.code, &*said.err), (0, ""));
    expect![[r#"
        ok       world          no sim.toml and no folder air here, so the built-in world runs
        ok       cache          compiled code is kept in DIR/cache
        missing  Rust           for reducers in Rust: https://rustup.rs
        missing  wasm32 target  for reducers in Rust: rustup target add wasm32-unknown-unknown
        missing  clang          for reducers in C: the package clang of your system, https://releases.llvm.org
        missing  wasm-ld        for reducers in C: the package lld of your system, https://lld.llvm.org
        missing  node           for AssemblyScript: https://nodejs.org
        missing  npm            for AssemblyScript: https://nodejs.org
        missing  cargo-fuzz     for fuzzing: cargo install --locked cargo-fuzz@0.13.2
        missing  nightly        for fuzzing with a sanitizer: rustup toolchain install nightly --profile minimal
    "#]].assert_eq(&said.out);
}

/// The lines about the world, and of what it needs.
fn of_world(said: &Said) -> String {
    let lines = said.out.lines();
    let lines = lines.filter(|line| line[9..].starts_with('w') || line[9..].starts_with("Rust"));
    lines
        .filter(|line| !line.contains("wasm-ld"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn what_a_world_needs() {
    let place = Place::new();
    place.sim("init in-rust");
    let rust = doctor(&place, "in-rust");
    assert_eq!(rust.code, 2);
    place.sim("init in-c --language c");
    let c = doctor(&place, "in-c");
    assert_eq!(c.code, 2);
    place.write("in-c/ticket.wasm", "");
    let built = doctor(&place, "in-c");
    assert_eq!(built.code, 0);
    expect![[r#"
        ok       world          in-rust: 11 documents and sim.toml
        ok       wasm           the package in in-rust is built for ticket/Ticket@1
        missing  Rust           for the world here: https://rustup.rs
        missing  wasm32 target  for the world here: rustup target add wasm32-unknown-unknown

        ok       world          in-c: 11 documents and sim.toml
        missing  wasm           in-c/ticket.wasm of ticket/Ticket@1: build it, as the README of the world says
        missing  Rust           for reducers in Rust: https://rustup.rs
        missing  wasm32 target  for reducers in Rust: rustup target add wasm32-unknown-unknown

        ok       world          in-c: 11 documents and sim.toml
        ok       wasm           in-c/ticket.wasm of ticket/Ticket@1
        missing  Rust           for reducers in Rust: https://rustup.rs
        missing  wasm32 target  for reducers in Rust: rustup target add wasm32-unknown-unknown
    "#]].assert_eq(&[&rust, &c, &built].map(of_world).join("\n"));
}

fn not_right() {
    let place = Place::new();
    place.write("empty/readme", "");
    place.write("toml/sim.toml", "format = \"sim/1\"\nreducer = 1\n");
    place.write("air/one.air.json", "{");
    let said = ["empty", "toml", "missing", ""].map(|folder| {
        let said = doctor(&place, folder);
        assert_eq!(said.code, 2, "{}", said.out);
        said.out.lines().next().unwrap_or_default().to_owned()
    });
    expect![[r#"
        missing  world          empty: empty has no documents: expected files named `*.air.json`: sim check empty
        missing  world          toml: unknown key: `reducer`: sim check toml
        missing  world          missing: cannot read the world's folder missing: sim check missing
        missing  world          air: not JSON: EOF while parsing an object: sim check air"#]].assert_eq(&said.join("\n"));
}

/// On this machine, in a world of Rust: what built these trials builds it.
fn here() {
    let place = Place::new();
    place.sim("init shop");
    let said = place.sim("doctor shop");
    assert_eq!(said.code, 0, "{}", said.out);
    for line in [
        "ok       Rust           cargo ",
        "ok       wasm32 target  wasm32-",
    ] {
        assert!(said.out.contains(line), "{}", said.out);
    }
}

/// One hangs, one prints without end, one fails, one prints what is no text.
#[cfg(unix)]
fn odd_programs() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let programs = [
        ("node", "exec /bin/sleep 60"),
        ("npm", "while :; do echo on and on; done"),
        ("wasm-ld", "exit 3"),
        ("cargo-fuzz", "exit 0"),
        ("rustc", "printf '/nowhere\\nat all'"),
        ("clang", "printf 'wasm32 \\377\\033[31m red \\n\\n'"),
    ];
    for (name, script) in programs {
        let path = format!("bin/{name}");
        place.write(&path, format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path(&path), mode).expect("it is ours");
    }
    let said = doctor(&place, "");
    assert_eq!((said.code, &*said.err), (0, ""));
    let lines = said.out.lines().skip(3).map(|line| format!("{line}\n"));
    expect![[r#"
        missing  wasm32 target  for reducers in Rust: rustup target add wasm32-unknown-unknown
        ok       clang          wasm32 �\u{1b}[31m red
        missing  wasm-ld        does not run, for reducers in C: the package lld of your system, https://lld.llvm.org
        missing  node           gives no answer, for AssemblyScript: https://nodejs.org
        missing  npm            gives no answer, for AssemblyScript: https://nodejs.org
        ok       cargo-fuzz     it is there
        missing  nightly        for fuzzing with a sanitizer: rustup toolchain install nightly --profile minimal
    "#]].assert_eq(&lines.collect::<String>());
}
