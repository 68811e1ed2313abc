//! What `sim check` refuses of a `sim.toml`: each with its place, and a way on.

mod conditions;

use std::fmt::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;

use super::{CLIENTS, LEASES, leases_of, trial};

pub fn trials() -> Vec<Trial> {
    let own = vec![
        trial("refusals", "of_the_file", of_the_file),
        trial("refusals", "of_clients", of_clients),
        trial("refusals", "of_values", of_values),
        trial("refusals", "of_answers", of_answers),
        trial("refusals", "of_same", of_same),
        trial("refusals", "of_faults", of_faults),
        trial("refusals", "of_wasm", of_wasm),
    ];
    own.into_iter().chain(conditions::trials()).collect()
}

/// What is said of each of these texts.
fn refused(texts: impl IntoIterator<Item = String>, expected: &Expect) {
    let mut told = String::new();
    for text in texts {
        let place = leases_of(&text);
        let said = place.sim("check w");
        assert_eq!(said.code, 2, "{text}\n{}{}", said.out, said.err);
        let _ = writeln!(told, "{}", said.err.trim_end());
    }
    expected.assert_eq(&told);
}

/// The same of texts that come after the world's own lines.
fn refused_after(texts: &[&str], expected: &Expect) {
    refused(
        texts.iter().map(|text| format!("{LEASES}{text}\n")),
        expected,
    );
}

fn of_the_file() {
    let texts = [
        "format = \"sim/1\"\n[clients.a\n",
        "[campaign]\nseeds = 3\n",
        "format = \"sim/2\"\n",
        "format = \"sim/1\"\n[campain]\nseeds = 3\n",
        "format = \"sim/1\"\n[campaign]\nseed = 3\n",
        "format = \"sim/1\"\n[campaign]\nseeds = \"many\"\n",
        "format = \"sim/1\"\n[campaign]\nseeds = 1\nseeds = 2\n",
        "format = \"sim/1\"\n[reducers.\"lease/Leese@1\"]\nwasm = \"lease.wasm\"\n",
        "format = \"sim/1\"\n[reducers.\"lease/Lease@1\"]\n",
        "format = \"sim/1\"\n[reducers.a]\nwasm = \"w\"\nfeatures = [\"f\"]\n",
        "format = \"sim/1\"\n[reducers.a]\npackage = \"w\"\nfeatures = [\"f\"]\n\
            [reducers.b]\npackage = \"w\"\nfeatures = [\"f\", \"f\"]\n\
            [reducers.c]\npackage = \"w\"\n",
        "format = \"sim/1\"\nexpect = [\"unaccepted=renw\"]\n",
    ];
    refused(
        texts.map(str::to_owned),
        &expect![[r#"
            error: unclosed table, expected `]`
              at w/sim.toml:2:11
            error: the file does not say its `format`
              at w/sim.toml:1:1
              expected: format = "sim/1", as its first line
            error: format `sim/2`
              at w/sim.toml:1:10
              expected: `sim/1`
            error: unknown key: `campain`
              at w/sim.toml:2:2
              expected: one of answers, assertions, bugs, campaign, clients, correlation, counters, define, documents, expect, explore, faults, format, monitors, properties, reducers, same
              hint: did you mean `campaign`?
            error: unknown key: `seed`
              at w/sim.toml:3:1
              expected: one of requests, seeds
              hint: did you mean `seeds`?
            error: invalid type: string "many", expected a whole number that is not too large
              at w/sim.toml:3:9
            error: duplicate key
              at w/sim.toml:4:1
            error: unknown reducer: `lease/Leese@1`
              at w/sim.toml:2:1
              expected: one of lease/Lease@1
              hint: did you mean `lease/Lease@1`?
            1 error
            error: `lease/Lease@1` needs a `wasm` or a `package`, one of them
              at w/sim.toml:2:1
            error: `a`: features are those of a `package`
              at w/sim.toml:4:12
            error: `c` and `a` are of one package, with other features
              at w/sim.toml:8:1
              hint: a package is built once: give both the same features
            error: `expect`: `unaccepted=renw`: the documents have no `renw`: acquire, release, renew, timer
              at w/sim.toml:2:11
            1 error
        "#]],
    );
}

fn of_clients() {
    let texts = [
        "[clients.a]\nevent = \"lease/Evnt@1\"\narm = \"acquire\"",
        "[clients.a]\nevent = \"lease/Granted@1\"",
        "[clients.a]\nevent = \"lease/Event@1\"\narm = \"aquire\"",
        "[clients.a]\nevent = \"lease/Event@1\"",
        "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\nfields.resorce = \"r\"",
        "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\nweight = 2000",
        "[correlation]\n\"lease/Granted@1\" = \"resorce\"",
        "[correlation]\n\"lease/Grunted@1\" = \"resource\"",
        "[correlation]\n\"lease/Event@1/timer\" = \"requested\"",
        "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\nfields = { resource = { fresh = \"r\" }, holder = { known = \"h\" } }\n[clients.b]\nevent = \"lease/Event@1\"\narm = \"release\"\nfields = { resource = { known = \"r\" }, holder = { fresh = \"h\" } }",
        "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\nweight = 0",
        "[campaign]\nrequests = 0",
        "[properties.\"p judged\"]\nalways = \"true\"",
        "[properties.\"\"]\nalways = \"true\"",
    ];
    refused_after(
        &texts,
        &expect![[r#"
            error: unknown schema: `lease/Evnt@1`
              at w/sim.toml:6:9
              expected: one of lease/Event@1
              hint: did you mean `lease/Event@1`?
            1 error
            error: nothing listens to `lease/Granted@1`
              at w/sim.toml:6:9
              hint: route it to a reducer, or have a trigger start a plan by it
            1 error
            error: unknown arm: `aquire`
              at w/sim.toml:7:7
              expected: one of acquire, release, renew, timer
              hint: did you mean `acquire`?
            1 error
            error: `a` needs an `arm`
              at w/sim.toml:5:1
              expected: one of acquire, release, renew, timer
            1 error
            error: `a`: unknown `resorce`
              at w/sim.toml:8:1
              hint: did you mean `resource`?
            1 error
            error: `a`: a weight is at most 1000
              at w/sim.toml:5:1
            1 error
            error: no `resorce` in `lease/Granted@1`
              at w/sim.toml:6:21
              hint: did you mean `resource`?
            1 error
            error: unknown schema or kind of effect: `lease/Grunted@1`
              at w/sim.toml:6:21
              expected: one of blob.get, blob.put, http.request, lease/Acquire@1, lease/Event@1, lease/Granted@1, lease/Release@1, lease/Renew@1, lease/Resource@1, lease/State@1, timer.set
              hint: did you mean `lease/Granted@1`?
            1 error
            error: `requested` in `lease/Event@1/timer` is a record: it cannot say whose it is
              at w/sim.toml:6:25
              expected: the path of a text or a whole number
            1 error
            error: `a` is never sent: no client before it makes an id of `h`
              at w/sim.toml:5:1
              hint: those that make one are never sent either: { any = "h" } makes the first
            error: `b` is never sent: no client before it makes an id of `r`
              at w/sim.toml:9:1
              hint: those that make one are never sent either: { any = "r" } makes the first
            2 errors
            error: no client is ever sent: each has a `weight` or a `most` of 0
              at w/sim.toml:5:1
            1 error
            error: `requests` is 0
              at w/sim.toml:5:1
              expected: 1 to 100
            1 error
            error: `p judged` is no name of a property
              at w/sim.toml:5:1
              hint: a word or two; reports add ` judged` and ` counted` to names
            1 error
            error: a name is empty
              at w/sim.toml:5:1
              hint: a word or two; reports add ` judged` and ` counted` to names
            1 error
        "#]],
    );
}

/// Of a client that acquires, with one field.
fn of_values() {
    let texts = [
        "ttl_ms = { range = [5, 1] }",
        "ttl_ms = { range = [-1, 1] }",
        "ttl_ms = { range = [1] }",
        "ttl_ms = \"long\"",
        "ttl_ms = { one_of = [] }",
        "ttl_ms = { fresh = \"a\", known = \"a\" }",
        "resource = { fesh = \"resource\" }",
        "resource = { known = \"resource\" }",
        "resource = { text = \"words\" }",
        "resource = { from = \"holder\" }",
        "holder = { now = true }",
        "now_ns = { now = false }",
        "now_ns = { now = \"later\" }",
    ];
    let client = "[clients.a]\nevent = \"lease/Event@1\"\narm = \"acquire\"\nfields.";
    let texts = texts.map(|text| format!("{LEASES}{client}{text}\n"));
    let two_types = "resource = { fresh = \"r\" }\nfields.ttl_ms = { fresh = \"r\" }\n";
    let two_types = format!("{LEASES}{client}{two_types}");
    refused(
        texts.into_iter().chain([two_types]),
        &expect![[r#"
            error: `a`: 5 to 1 is no range of nat
              at w/sim.toml:8:1
            1 error
            error: `a`: -1 to 1 is no range of nat
              at w/sim.toml:8:1
            1 error
            error: `a`: `range` needs two whole numbers: [1, 100]
              at w/sim.toml:8:1
            1 error
            error: `a`: expected a whole number up to 64 bits (a great one as text), found the text `long`
              at w/sim.toml:8:1
            1 error
            error: `a`: `one_of` needs a list of values
              at w/sim.toml:8:1
            1 error
            error: `a`: `fresh`, `known` say more than one thing
              at w/sim.toml:8:1
              hint: a value is made in one way
            1 error
            error: `a`: unknown `fesh`
              at w/sim.toml:8:1
              hint: did you mean `fresh`?
            1 error
            error: no client makes an id of `resource`
              at w/sim.toml:5:1
              hint: { fresh = "resource" } makes one
            1 error
            error: `a`: `text` is `word`, `line` or `any`
              at w/sim.toml:8:1
            1 error
            error: `a`: `from` is for answers: a request has nothing to take it from
              at w/sim.toml:8:1
            1 error
            error: `a`: the field is no time but text
              at w/sim.toml:8:1
            1 error
            error: `a`: `now` is `true` or `"late"`
              at w/sim.toml:8:1
            1 error
            error: `a`: `now` is `true` or `"late"`
              at w/sim.toml:8:1
            1 error
            error: ids of `r` are text elsewhere, and nat here
              at w/sim.toml:5:1
              hint: give them a bundle of their own, by another name
            1 error
        "#]],
    );
}

fn of_answers() {
    let texts = [
        "[[answers.\"http.requst\"]]\nname = \"ok\"",
        "[[answers.\"timer.set\"]]\nname = \"ok\"",
        "[[answers.\"http.request\"]]\nname = \"silence\"",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nreceipt = { status = { now = true } }",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nreceipt = { status = { from = \"ur\" } }",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nreceipt = { status = { from = \"url\" } }",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nreceipt = { status = { cel = \"params.ur\" } }",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nwhen = \"params.url == ''\"",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nstatus = \"timeout\"",
        "[[answers.\"http.request\"]]\nname = \"ok\"\nraises = { a = 1 }",
        "[[answers.\"http.request\"]]\nname = \"ok\"\n[[answers.\"http.request\"]]\nname = \"ok\"",
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: unknown kind of effect or plan: `http.requst`
          at w/sim.toml:5:1
          expected: one of blob.get, blob.put, http.request, timer.set
          hint: did you mean `http.request`?
        1 error
        error: timers are not answered: they fire
          at w/sim.toml:5:1
          hint: `[faults]` says how: timer_early, timer_late, timer_twice, timer_status
        1 error
        error: an answer cannot be called `silence`
          at w/sim.toml:6:8
          hint: silence is a fault: `[faults] silence = false` turns it off
        1 error
        error: `ok`: only a request tells the time
          at w/sim.toml:7:11
        1 error
        error: `ok`: no `ur` in the params
          at w/sim.toml:7:11
          hint: there are url, method, headers, body_ref
        1 error
        error: `ok`: there is text, and the field is int
          at w/sim.toml:7:11
        1 error
        error: `ok`: unknown field `ur`
          at w/sim.toml:7:11
          hint: it has body_ref, headers, method, url
        1 error
        error: the first answer, `ok`, has no `when`: it is always there
          at w/sim.toml:5:1
        1 error
        error: only a reducer is told a status, and no reducer asks for this work
          at w/sim.toml:7:10
          hint: say it by the receipt
        1 error
        error: this work is answered by a `receipt`, it raises nothing itself
          at w/sim.toml:7:10
        1 error
        error: `ok` is what the plain answer is called, which comes first
          at w/sim.toml:8:8
          hint: call this one otherwise
        1 error
    "#]],
    );
}

fn of_same() {
    let texts = [
        "[same]\n\"http.requst\" = \"params.url\"",
        "[same]\n\"timer.set\" = \"params.key\"",
        "[same]\n\"http.request\" = \"params.headrs['key']\"",
        "[same]\n\"http.request\" = \"input.url\"",
        "[same]\n\"http.request\" = \"params.url +\"",
        "[same]\n\"http.request\" = 7",
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: unknown kind of effect or plan: `http.requst`
          at w/sim.toml:6:17
          expected: one of blob.get, blob.put, http.request, timer.set
          hint: did you mean `http.request`?
        1 error
        error: timers are not answered: they fire
          at w/sim.toml:6:15
          hint: `[faults]` says how: timer_early, timer_late, timer_twice, timer_status
        1 error
        error: unknown field `headrs`
          at w/sim.toml:6:18
          hint: did you mean `headers`?
        1 error
        error: unknown variable `input`
          at w/sim.toml:6:18
          hint: there are params
        1 error
        error: no condition: it ends too early, at 1:13 within it
          at w/sim.toml:6:18
        1 error
        error: invalid type: integer `7`, expected a string
          at w/sim.toml:6:18
    "#]],
    );
}

fn of_faults() {
    let texts = [
        "[faults]\ncrsh = false",
        "[faults]\ncrash = \"none\"",
        "[faults]\ncrash = 3",
        "[faults]\nspurious = \"noone\"",
        "[faults]\nspurious = [\"renw\"]",
    ];
    refused_after(
        &texts,
        &expect![[r#"
        error: unknown kind of fault: `crsh`
          at w/sim.toml:6:8
          expected: one of advance, crash, drop, duplicate, redeliver, reorder, second_start, silence, snapshot, spurious, start_early, timer_early, timer_late, timer_status, timer_twice
          hint: did you mean `crash`?
        1 error
        error: `crash` is on or off: true or false
          at w/sim.toml:6:9
        1 error
        error: a kind of fault is on or off
          at w/sim.toml:6:9
          expected: true or false; `spurious` may be a text or a list of events, too
        error: unknown source of spurious events: `noone`
          at w/sim.toml:6:12
          expected: one of all, clients, none
          hint: did you mean `none`?
        1 error
        error: unknown event: `renw`
          at w/sim.toml:6:12
          expected: one of acquire, release, renew, timer
          hint: did you mean `renew`?
        1 error
    "#]],
    );
}

/// What `run` says of wasm that is not there, and of a package that is none or cannot be built.
fn of_wasm() {
    let place = leases_of("");
    let mut told = String::new();
    let mut tell = |place: &super::Place, wasm: &str| {
        let text = LEASES.replace("wasm = \"lease.wasm\"", wasm);
        place.write("w/sim.toml", text + CLIENTS);
        let said = place.sim("run --world w");
        assert_eq!(said.code, 2, "{}{}", said.out, said.err);
        told.push_str(&said.err);
    };
    tell(&place, "wasm = \"leese.wasm\"");
    tell(&place, "package = \"none\"");
    let manifest = "[package]\nname = \"own\"\nedition = \"2024\"\n[workspace]\n[lib]\n";
    place.write("w/own/Cargo.toml", manifest);
    place.write("w/own/src/lib.rs", "pub fn own() {}\n");
    tell(&place, "package = \"own\"");
    place.write(
        "w/own/Cargo.toml",
        format!("{manifest}crate-type = [\"cdylib\"]\n"),
    );
    place.write("w/own/src/lib.rs", "this is no Rust\n");
    tell(&place, "package = \"own\"");
    // A feature is a part of what is built.
    let features = "[features]\nbroken = []\n";
    place.write(
        "w/own/Cargo.toml",
        format!("{manifest}crate-type = [\"cdylib\"]\n{features}"),
    );
    place.write(
        "w/own/src/lib.rs",
        "#[cfg(feature = \"broken\")] compile_error!(\"broken\");\n",
    );
    tell(&place, "package = \"own\"");
    tell(&place, "package = \"own\"\nfeatures = [\"broken\"]");
    tell(&place, "package = \"own\"\nfeatures = [\"unheard-of\"]");
    tell(&place, "package = \"own\"\nfeatures = []");
    // What the compiler says comes first, and is its own.
    let ours = told.lines().filter(|line| {
        let is_ours = ["error: no ", "error: `", "  1: ", "  2: ", "hint: "];
        is_ours.iter().any(|start| line.starts_with(start))
    });
    let ours: Vec<&str> = ours.collect();
    expect![[r#"
        error: no w/leese.wasm: w/sim.toml says that `lease/Lease@1` is there
        hint: build it first, as the README of the world says
        error: `lease/Lease@1` cannot be built
          1: no cargo package in w/none: there is no Cargo.toml
        error: `lease/Lease@1` cannot be built
          1: the package in w/own makes no wasm
        hint: crate-type = ["cdylib"] in its [lib]
        error: `lease/Lease@1` cannot be built
          1: cargo build failed in w/own
        hint: if the target is missing: rustup target add wasm32-unknown-unknown
          1: export `alloc` is missing: expected func (i32) -> (i32)
        error: `lease/Lease@1` cannot be built
          1: cargo build failed in w/own
        hint: if the target is missing: rustup target add wasm32-unknown-unknown
        error: `lease/Lease@1` cannot be built
          1: cargo build failed in w/own
        hint: if the target is missing: rustup target add wasm32-unknown-unknown
          1: export `alloc` is missing: expected func (i32) -> (i32)
    "#]]
    .assert_eq(&(ours.join("\n") + "\n"));
}
