//! `sim init`: what a new world has, that it runs, and what is refused.

use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, Said, trial};
use crate::support::root;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("beginning", "each_language", each_language),
        trial("beginning", "every_file_of_a_kit_is_there", every_file),
        trial("beginning", "rust_from_init_to_a_find", rust),
        trial("beginning", "c_from_init_to_a_campaign", c),
        trial("beginning", "wasm_that_is_not_built", not_built),
        trial("beginning", "here", here),
        trial("beginning", "refusals", refusals),
        #[cfg(target_os = "linux")]
        trial("beginning", "nothing_is_left_half_done", half_done),
    ]
}

const LANGUAGES: [&str; 3] = ["rust", "c", "assemblyscript"];

/// The paths of all files below a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let path = path.strip_prefix(folder).expect("it is below");
                    found.push(path.display().to_string());
                }
            }
        }
    }
    found.sort();
    found
}

fn each_language() {
    let place = Place::new();
    let mut found = String::new();
    for language in LANGUAGES {
        let said = place.sim(&format!("init {language}/shop --language {language}"));
        assert_eq!((said.code, &*said.err), (0, ""));
        let names = files(&place.path(&format!("{language}/shop")));
        let names = names.iter().filter(|name| !name.starts_with("sdk/src"));
        let names: Vec<&str> = names.map(String::as_str).collect();
        found += &format!("{}{}\n\n", said.out, names.join(" "));
        let said = place.sim(&format!("check {language}/shop --strict"));
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.ends_with("all checks pass\n"), "{}", said.out);
    }
    expect![[r#"
        made rust/shop: a world in Rust, 29 files
        next:
          cd rust/shop && sim run
        .github/workflows/sim.yml .gitignore Cargo.toml README.md air/schemas.air.json air/world.air.json corpus/an-earlier-timer.json sdk/Cargo.toml sdk/LICENSE-APACHE sdk/LICENSE-MIT sim.toml src/lib.rs

        made c/shop: a world in C, 9 files
        next:
          cd c/shop && make && sim run
        .github/workflows/sim.yml .gitignore Makefile README.md air/schemas.air.json air/world.air.json corpus/an-earlier-timer.json sim.toml ticket.c

        made assemblyscript/shop: a world in AssemblyScript, 11 files
        next:
          cd assemblyscript/shop && npm install && npm run build && sim run
        .github/workflows/sim.yml .gitignore README.md air/schemas.air.json air/world.air.json assembly/abi.ts assembly/cbor.ts assembly/ticket.ts corpus/an-earlier-timer.json package.json sim.toml

    "#]].assert_eq(&found);
}

/// What the program embeds is what lies in `sim/kits` and `sdk`.
fn every_file() {
    let place = Place::new();
    for language in LANGUAGES {
        place.sim(&format!(
            "init {language} --language {language} --name shop"
        ));
        let kit = root(&format!("sim/kits/{language}"));
        for file in files(&kit) {
            let text = fs::read_to_string(kit.join(&file)).expect("it is text");
            let copy = match file.strip_suffix(".kit") {
                Some(name) => name,
                None if file == "ci.yml" => ".github/workflows/sim.yml",
                None => &file,
            };
            let copy = fs::read_to_string(place.path(language).join(copy));
            let copy = copy.unwrap_or_else(|error| panic!("{language}: {file}: {error}"));
            assert_eq!(copy, text.replace("{{name}}", "shop"), "{language}: {file}");
            assert!(
                !copy.contains("{{name") && !copy.contains("{{sdk"),
                "{language}: {file}"
            );
        }
    }
    for file in files(&root("sdk/src")) {
        let path = format!("rust/sdk/src/{file}");
        let copy = fs::read_to_string(place.path(&path)).unwrap_or_default();
        let text = fs::read_to_string(root("sdk/src").join(&file)).expect("it is text");
        assert_eq!(copy, text, "{file}");
    }
}

/// Without a network: a new world depends on nothing from outside.
fn offline(place: &Place, arguments: &str) -> Said {
    place.sim_with(arguments, &[("CARGO_NET_OFFLINE", "true")])
}

const CASE: &str = "corpus/an-earlier-timer.json";

/// As a newcomer does it: the campaign says what was reached, the first case holds, and the bug
/// that the README proposes is found.
fn rust() {
    let place = Place::new();
    assert_eq!(place.sim("init shop").code, 0);
    let said = offline(&place, "run --world shop --seeds 0..500 --jobs 1");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("everything holds"), "{}", said.out);
    assert!(said.out.contains("came_too_late"), "{}", said.out);
    let replay = format!("replay --world shop --brief shop/{CASE}");
    let said = offline(&place, &replay);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(
        said.out.lines().count(),
        2,
        "the verdict and the digest: {}",
        said.out
    );
    let source = fs::read_to_string(place.path("shop/src/lib.rs")).expect("it is there");
    let guard = "    if due != held.until_ns {\n        return;\n    }\n";
    assert!(source.contains(guard), "the README proposes to remove it");
    place.write("shop/src/lib.rs", source.replace(guard, ""));
    let said = offline(&place, &replay);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("held_to_the_end"), "{}", said.out);
}

/// Where there is a clang.
fn c() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !["clang", "wasm-ld", "make"].into_iter().all(has) {
        return;
    }
    let place = Place::new();
    assert_eq!(place.sim("init shop --language c").code, 0);
    let make = Command::new("make")
        .current_dir(place.path("shop"))
        .output();
    assert!(
        make.is_ok_and(|output| output.status.success()),
        "it is built"
    );
    let said = place.sim(&format!("replay --world shop --brief shop/{CASE}"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = place.sim("run --world shop --seeds 0..500 --jobs 1");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

fn not_built() {
    let place = Place::new();
    place.sim("init shop --language c");
    let said = place.sim("run --world shop");
    assert_eq!((said.code, &*said.out), (2, ""));
    expect![[r#"
        error: no shop/ticket.wasm: shop/sim.toml says that `ticket/Ticket@1` is there
        hint: build it first, as the README of the world says
    "#]]
    .assert_eq(&said.err);
}

/// The folder in which one is, with a repository that has just begun.
fn here() {
    let place = Place::new();
    place.write(".git/HEAD", "");
    let said = place.sim("init . --language c --name shop");
    assert_eq!((said.code, &*said.err), (0, ""));
    expect![[r#"
        made .: a world in C, 9 files
        next:
          make && sim run
    "#]]
    .assert_eq(&said.out);
}

fn refusals() {
    let place = Place::new();
    place.write("full/notes.txt", "mine");
    place.write("file", "mine");
    let long = "a".repeat(65);
    let commands = [
        "init full",
        "init file",
        "init My_Shop",
        "init shop --name Shop",
        "init shop --name 1shop",
        "init shop --name sdk",
        "init shop --name match",
        &format!("init {long}"),
        "init shop --language cobol",
        "init",
    ];
    let mut found = String::new();
    for command in commands {
        let said = place.sim(command);
        assert_eq!((said.code, &*said.out), (2, ""), "{command}");
        found += &format!("$ sim {command}\n{}\n", said.err);
    }
    expect![[r#"
        $ sim init full
        error: full is not empty: it has notes.txt
        hint: name a folder that is empty, or not there yet

        $ sim init file
        error: cannot make file
          1: Not a directory (os error 20)

        $ sim init My_Shop
        error: the folder's name `My_Shop` is no name for a package
          1: expected small letters, digits and `-`, beginning with a letter
        hint: say one with `--name NAME`

        $ sim init shop --name Shop
        error: `--name Shop` is no name for a package
          1: expected small letters, digits and `-`, beginning with a letter

        $ sim init shop --name 1shop
        error: `--name 1shop` is no name for a package
          1: expected small letters, digits and `-`, beginning with a letter

        $ sim init shop --name sdk
        error: `--name sdk` is no name for a package
          1: no package of Rust can have this name

        $ sim init shop --name match
        error: `--name match` is no name for a package
          1: no package of Rust can have this name

        $ sim init aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        error: the folder's name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is no name for a package
          1: expected at most 64 characters
        hint: say one with `--name NAME`

        $ sim init shop --language cobol
        error: invalid value 'cobol' for '--language <LANGUAGE>'
          [possible values: rust, c, assemblyscript]

          tip: a similar value exists: 'c'

        For more information, try '--help'.

        $ sim init
        error: the following required arguments were not provided:
          <DIR>

        Usage: sim init <DIR>

        For more information, try '--help'.

    "#]].assert_eq(&found);
    assert_eq!(place.list(""), ["file", "full"]);
    assert_eq!(place.list("full"), ["notes.txt"]);
    // No keyword of C.
    assert_eq!(place.sim("init shop --language c --name match").code, 0);
}

/// A disk that is full after some files, as a limit on their size makes it.
#[cfg(target_os = "linux")]
fn half_done() {
    let place = Place::new();
    place.write("here/.git/HEAD", "");
    for folder in ["here", "new"] {
        let sim = env!("CARGO_BIN_EXE_sim");
        let script = format!("trap '' XFSZ; ulimit -f 4; exec {sim} init {folder} --name shop");
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path(""))
            .output();
        let output = output.expect("there is a shell");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("cannot write"), "{err}");
    }
    assert_eq!(place.list(""), ["here"]);
    assert_eq!(place.list("here"), [".git"]);
}
