//! Worlds that nobody described: what a campaign and an exploration say of them, and when they say
//! that too little was tested.

use expect_test::expect;
use libtest_mimic::Trial;

use super::{Place, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("worlds", "nothing_can_happen", nothing_can_happen),
        trial(
            "worlds",
            "an_event_is_never_accepted",
            an_event_is_never_accepted,
        ),
        trial(
            "worlds",
            "sometimes_are_in_every_form",
            sometimes_are_in_every_form,
        ),
        trial("worlds", "what_is_never_reached", what_is_never_reached),
        trial(
            "worlds",
            "the_plainest_state_is_one",
            the_plainest_state_is_one,
        ),
        trial("worlds", "plan_errors", plan_errors),
        trial("worlds", "denied_effects", denied_effects),
        trial("worlds", "another_shape", another_shape),
        trial("worlds", "that_never_rest", that_never_rest),
        trial("worlds", "keys_of_emitted_events", keys_of_emitted_events),
        trial("worlds", "leaks", leaks),
        trial("worlds", "unknown_names", unknown_names),
        trial("worlds", "what_was_expected", what_was_expected),
        trial("worlds", "findings_hide_none", findings_hide_none),
        trial("worlds", "many_faults_in_one", many_faults_in_one),
        trial("worlds", "shrinks_and_replays", shrinks_and_replays),
    ]
}

/// A reducer that answers each event with these output bytes.
fn answering(output: &str, length: usize) -> Vec<u8> {
    let text = format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 64) "{output}")
            (func (export "alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "step") (param i32 i32) (result i32 i32)
                (i32.const 64) (i32.const {length})))"#
    );
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// `{state: null}`: nothing ever changes.
fn inert() -> Vec<u8> {
    answering("\\a1\\65state\\f6", 8)
}

/// `{state: {n: 1}}`.
fn constant() -> Vec<u8> {
    answering("\\a1\\65state\\44\\a1\\61n\\01", 12)
}

/// A world of one reducer whose clients send `go` and `stop`, with more documents.
fn small(place: &Place, more: &str, manifest: &str) {
    let text = r#"[
      {"$kind": "defschema", "name": "w/Go@1", "type": {"record": {"id": {"text": {}}}}},
      {"$kind": "defschema", "name": "w/Stop@1", "type": {"record": {"id": {"text": {}}, "n": {"nat": {}}}}},
      {"$kind": "defschema", "name": "w/Event@1", "type": {"variant": {
        "go": {"ref": "w/Go@1"}, "stop": {"ref": "w/Stop@1"}}}},
      {"$kind": "defschema", "name": "w/State@1", "type": {"record": {"n": {"nat": {}}}}},
      {"$kind": "defmodule", "name": "w/Machine@1", "module_kind": "reducer",
        "abi": {"reducer": {"state": "w/State@1", "event": "w/Event@1"}}},
      MORE
      {"$kind": "manifest", "air_version": "1",
        "schemas": [{"name": "w/Go@1"}, {"name": "w/Stop@1"}, {"name": "w/Event@1"}, {"name": "w/State@1"}],
        "modules": [{"name": "w/Machine@1"}],
        MANIFEST
        "routing": {"events": [{"event": "w/Event@1", "reducer": "w/Machine@1"}]}}]"#;
    let text = text.replace("MORE", more).replace("MANIFEST", manifest);
    place.write("w/world.air.json", text);
}

const NO_PLANS: &str = r#""plans": [], "effects": [], "caps": [], "policies": [],"#;

fn nothing_can_happen() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    place.write("inert.wasm", inert());
    for command in ["run --seeds 0..10", "run --seed 7", "run", "explore"] {
        let said = place.sim(&format!(
            "{command} --world w --wasm inert.wasm --case-dir found"
        ));
        assert_eq!(said.code, 5, "{command}: {}{}", said.out, said.err);
        assert!(said.out.contains("never seen"), "{}", said.out);
        assert!(
            !said.out.contains("holds\n") || command == "explore",
            "{}",
            said.out
        );
        assert!(!said.out.contains("\ncomplete"), "{}", said.out);
    }
}

/// A machine that answers `go` with these output bytes, and anything else with no state.
fn at_go(output: &str, length: usize) -> Vec<u8> {
    at_go_and_else((output, length), ("\\a1\\65state\\f6", 8))
}

/// A machine that answers `go` with some output bytes, and anything else with others.
fn at_go_and_else((output, length): (&str, usize), other: (&str, usize)) -> Vec<u8> {
    let (other, other_length) = other;
    let text = format!(
        r#"(module (memory (export "memory") 1)
        (data (i32.const 64) "{output}") (data (i32.const 192) "{other}")
        (func (export "alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "step") (param $at i32) (param $length i32) (result i32 i32)
            (local $end i32)
            (local.set $end (i32.add (local.get $at) (local.get $length)))
            (block $done
                (loop $next
                    (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
                    ;; The head of a map, the key `$tag`, and the head of a text of two bytes: no
                    ;; text can hold this.
                    (if (i64.eq (i64.load (local.get $at)) (i64.const 0x67626761742464a2))
                        (then (return (i32.const 64) (i32.const {length}))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br $next)))
            (i32.const 192) (i32.const {other_length})))"#
    );
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// `go` makes the plainest state there is, and any other event takes it away: both are accepted.
fn the_plainest_state_is_one() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    place.write("plainest.wasm", at_go(r"\a1\65state\44\a1\61n\00", 12));
    let said = place.sim("run --world w --wasm plainest.wasm --case-dir found --seeds 0..64");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// The machine emits an event at `go`, and does nothing at anything else.
fn an_event_is_never_accepted() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    let output = r"\a2\65\73\74\61\74\65\f6\6d\64\6f\6d\61\69\6e\5f\65\76\65\6e\74\73\81\a2\66\73\63\68\65\6d\61\66\77\2f\47\6f\40\31\65\76\61\6c\75\65\45\a1\62\69\64\60";
    let wasm = at_go(output, 50);
    place.write("deaf.wasm", wasm);
    let run = "run --world w --wasm deaf.wasm --case-dir found --seeds";
    let said = place.sim(&format!("{run} 0..64"));
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(
        said.out.contains("never seen: accepted stop"),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains("never seen: accepted go"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("{run} 0..64 --expect unaccepted=stop"));
    assert_eq!(said.code, 0, "{}", said.out);
    let no_model = "no model says what this one is for";
    assert!(said.out.contains(no_model), "{}", said.out);
    assert!(!place.sim("run --seeds 0..64").out.contains(no_model));
    let said = place.sim(&format!("{run} 0..63"));
    assert_eq!(said.code, 0, "of few seeds it is not asked: {}", said.out);
    assert!(
        said.out
            .contains("some must be seen only in campaigns of 64 seeds"),
        "{}",
        said.out
    );
    let said = place.sim("explore --world w --wasm deaf.wasm --case-dir found");
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(
        said.out.contains("stop of w/Event@1 changed something"),
        "{}",
        said.out
    );
}

/// A machine that only takes on a state at its first event, whichever that is, accepts none; one
/// that nothing is routed to takes no step, whatever else goes on; and a plan that no trigger
/// starts never runs.
fn what_is_never_reached() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    place.write("constant.wasm", constant());
    let run = "run --seeds 0..64 --world w --wasm constant.wasm --case-dir found";
    let said = place.sim(run);
    assert_eq!(said.code, 5, "{}", said.out);
    for missed in ["something_changed", "accepted go", "accepted stop"] {
        let missed = format!("never seen: {missed}");
        assert!(said.out.contains(&missed), "{missed}: {}", said.out);
    }
    let world = std::fs::read_to_string(place.path("w/world.air.json")).expect("it is there");
    let plan = r#"{"$kind": "defplan", "name": "w/Plan@1", "input": "w/Event@1",
        "steps": [{"id": "b", "op": "end"}], "edges": []},"#;
    let manifest = r#""plans": [{"name": "w/Plan@1"}], "effects": [], "caps": [], "policies": [],
        "triggers": [{"event": "w/Event@1", "plan": "w/Plan@1"}],"#;
    small(&place, plan, manifest);
    let unrouted = std::fs::read_to_string(place.path("w/world.air.json"))
        .expect("it is there")
        .replace(r#"{"event": "w/Event@1", "reducer": "w/Machine@1"}"#, "");
    assert_ne!(unrouted, world);
    place.write("w/world.air.json", unrouted);
    let said = place.sim(run);
    assert_eq!(said.code, 5, "{}", said.out);
    assert!(said.out.contains("never seen: stepped"), "{}", said.out);
    let said = place.sim("check w --strict");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("it never takes a step"), "{}", said.err);
    small(
        &place,
        plan,
        &manifest.replace(r#"{"event": "w/Event@1", "plan": "w/Plan@1"}"#, ""),
    );
    let said = place.sim("run --seeds 0..2000 --world w --wasm constant.wasm --case-dir found");
    assert!(
        said.out.contains("never seen: started Plan"),
        "{}",
        said.out
    );
    let allowed = "--expect unstarted=Plan";
    let said = place.sim(&format!("{} {allowed}", run.replace("0..64", "0..2000")));
    assert!(!said.out.contains("never seen: started"), "{}", said.out);
}

fn sometimes_are_in_every_form() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    place.write("inert.wasm", inert());
    let run = "run --seeds 0..64 --world w --wasm inert.wasm --case-dir found";
    let said = place.sim(run);
    assert!(
        said.out
            .contains("sometimes, of the documents: 3 of 6 seen"),
        "{}",
        said.out
    );
    for missed in ["something_changed", "accepted go", "accepted stop"] {
        assert!(
            said.out.contains(&format!("never seen: {missed}")),
            "{}",
            said.out
        );
    }
    let said = place.sim(&format!("{run} --format json"));
    let last = said.out.lines().last().expect("it is told");
    let last: serde_json::Value = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(
        last["goals"]["delivered go"],
        last["goals"]["delivered go"].as_u64().expect("a count")
    );
    assert_eq!(
        last["missed_goals"],
        serde_json::json!(["something_changed", "accepted go", "accepted stop"])
    );
    assert!(
        last["invariants"].get("contract_kept").is_none(),
        "it is no retry world"
    );
    let said = place.sim(&format!("{run} --format junit --html pages"));
    assert!(
        said.out.contains("accepted go") && said.out.contains("<failure"),
        "{}",
        said.out
    );
    let page = std::fs::read_to_string(place.path("pages/index.html")).expect("it is written");
    assert!(page.contains("accepted stop"));
    let allowed = "--expect unaccepted=go --expect unaccepted=stop";
    let said = place.sim(&format!("{run} {allowed}"));
    assert!(
        said.out.contains("never seen: something_changed"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("never seen: accepted"), "{}", said.out);
}

/// A plan that reads what is not there, and one whose invariant is false.
fn plan_errors() {
    let place = Place::new();
    let plan = r#"{"$kind": "defplan", "name": "w/Plan@1", "input": "w/Event@1",
        "steps": [{"id": "one", "op": "assign", "bind": {"as": "one"}, "expr": {"nat": 1}},
          {"id": "a", "op": "assign", "bind": {"as": "x"},
          "expr": {"op": "div", "args": [{"nat": 1}, {"op": "sub", "args": [{"nat": 1}, {"ref": "@var:one"}]}]}},
          {"id": "b", "op": "end"}], "edges": [{"from": "one", "to": "a"}, {"from": "a", "to": "b"}]},"#;
    let manifest = r#""plans": [{"name": "w/Plan@1"}], "effects": [], "caps": [], "policies": [],
        "triggers": [{"event": "w/Event@1", "plan": "w/Plan@1"}],"#;
    small(&place, plan, manifest);
    place.write("constant.wasm", constant());
    // It is deaf: what it begins with is what it stays at.
    let deaf = "--expect unaccepted=go --expect unaccepted=stop";
    let run = format!("run --seeds 0..64 --world w --wasm constant.wasm --case-dir found {deaf}");
    let said = place.sim(&run);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("plans_succeed at turn"), "{}", said.out);
    assert!(said.out.contains("`div` by zero"), "{}", said.out);
    for expected in ["plan-error=Plan", "plan-error=Plan/a"] {
        let said = place.sim(&format!("{run} --expect {expected}"));
        // Nothing is violated; and nothing ever changes.
        assert_eq!(said.code, 5, "{expected}: {}{}", said.out, said.err);
        assert!(!said.out.contains("at turn"), "{}", said.out);
    }
    let said = place.sim(&format!("{run} --expect plan-error=Plan/b"));
    assert_eq!(said.code, 1, "another step");
    let said = place.sim("explore --world w --wasm constant.wasm --case-dir found");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
}

fn denied_effects() {
    let place = Place::new();
    place.world_with(
        "policies",
        "\"decision\": \"allow\"",
        "\"decision\": \"deny\"",
    );
    place.write("retry.wasm", retry_world::WASM);
    let run = "run --world world --wasm retry.wasm --seeds 0..64 --case-dir found";
    let said = place.sim(run);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("intents_granted at turn"), "{}", said.out);
    assert!(said.out.contains("the policy says no"), "{}", said.out);
    // Expected, it hides nothing: the request that has no timer waits for ever.
    let said = place.sim(&format!("{run} --expect denied=timer.set"));
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("converges at turn"), "{}", said.out);
    assert!(
        !said.out.contains("intents_granted at turn"),
        "{}",
        said.out
    );
}

/// The retry world with a field more: nothing is run, and nothing is written.
fn another_shape() {
    let place = Place::new();
    place.world_with(
        "schemas",
        "\"req_id\": {\"text\": {}},\n",
        "\"req_id\": {\"text\": {}}, \"priority\": {\"nat\": {}},\n",
    );
    place.write("retry.wasm", retry_world::WASM);
    for command in ["run", "explore"] {
        let said = place.sim(&format!(
            "{command} --world world --wasm retry.wasm --case-dir found"
        ));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
        assert!(
            said.err.contains("has a field `priority` of nat"),
            "{}",
            said.err
        );
        assert!(said.err.contains("hint: "), "{}", said.err);
    }
    assert!(!place.path("found").exists());
}

/// At `go` and at `stop` a `stop` is emitted.
const GO: &str = "\\a2estateD\\a1an\\01mdomain_events\\81\\a2fschemaiw/Event@1evalueX\\1a\\a2d$tagdstopf$value\\a2an\\00bid`";
const STOP: &str = "\\a2estate\\f6mdomain_events\\81\\a2fschemaiw/Event@1evalueX\\1a\\a2d$tagdstopf$value\\a2an\\00bid`";

/// Runs that do not come to rest once faults have stopped are cut short, unless that is meant.
fn that_never_rest() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    let restless = at_go_and_else((GO, 79), (STOP, 75));
    place.write("restless.wasm", restless);
    let run = "run --seeds 0..64 --world w --wasm restless.wasm --case-dir found";
    let said = place.sim(run);
    assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("clients send go; stop only as spurious"),
        "{}",
        said.out
    );
    assert!(said.out.contains("did not come to rest"), "{}", said.out);
    let said = place.sim(&format!("{run} --format junit"));
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(
        said.out.contains("were cut short by a bound"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("{run} --expect restless"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    // The same of one case; and a declaration that is not needed is said to be so.
    let case = r#"{"format": "sim-case/1", "found_by": {"driver": "hand"},
        "world": {"manifest": "", "reducers": {}}, "options": {"heal": true},
        "requests": [{"name": "e1", "schema": "w/Event@1", "value": {"go": {"id": ""}}}],
        "schedule": [{"start": "e1"}]}"#;
    place.write("case.json", case);
    let replay = "replay case.json --world w --wasm";
    let said = place.sim(&format!("{replay} restless.wasm"));
    assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("its liveness phase may take"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("{replay} restless.wasm --expect restless"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    place.write("still.wasm", at_go("\\a1\\65state\\44\\a1\\61n\\01", 12));
    let run = run.replace("restless.wasm", "still.wasm");
    let said = place.sim(&format!("{run} --expect restless"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("restless never came true"),
        "{}",
        said.out
    );
}

/// An event that says to which cell it goes says the one that its route takes it to.
fn keys_of_emitted_events() {
    let place = Place::new();
    small(&place, "", NO_PLANS);
    let keyed = std::fs::read_to_string(place.path("w/world.air.json")).expect("it is there");
    let keyed = keyed.replace(
        r#""module_kind": "reducer","#,
        r#""module_kind": "reducer", "key_schema": "w/Key@1","#,
    );
    let keyed = keyed.replace(
        r#""reducer": "w/Machine@1"}"#,
        r#""reducer": "w/Machine@1", "key_field": "$value.id"}"#,
    );
    let key = r#"[{"$kind": "defschema", "name": "w/Key@1", "type": {"text": {}}},"#;
    let keyed = keyed.replacen('[', key, 1);
    let keyed = keyed.replace(
        r#"[{"name": "w/Go@1"},"#,
        r#"[{"name": "w/Key@1"}, {"name": "w/Go@1"},"#,
    );
    place.write("w/world.air.json", keyed);
    // The event's id is empty: so is the key that goes with it.
    place.write("right.wasm", at_go("\\a2estateD\\a1an\\01mdomain_events\\81\\a3fschemaiw/Event@1evalueX\\1a\\a2d$tagdstopf$value\\a2an\\00bid`ckeyA`", 85));
    place.write("wrong.wasm", at_go("\\a2estateD\\a1an\\01mdomain_events\\81\\a3fschemaiw/Event@1evalueX\\1a\\a2d$tagdstopf$value\\a2an\\00bid`ckeyBaa", 86));
    let run = "run --seeds 0..64 --world w --case-dir found --wasm";
    let said = place.sim(&format!("{run} right.wasm"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = place.sim(&format!("{run} wrong.wasm"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("the key of another cell"), "{}", said.out);
}

fn leaks() {
    let place = Place::new();
    place.planted("leaks");
    let run = "run --seeds 0..64 --wasm leaks.wasm --case-dir found";
    let said = place.sim(run);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(said.out.matches("advice: ").count(), 1, "{}", said.out);
    let said = place.sim(&format!("{run} --leaks deny"));
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("bounded at turn 0"), "{}", said.out);
}

fn unknown_names() {
    let place = Place::new();
    for (arguments, says) in [
        (
            "--expect plan-error=WorkPlann",
            "the documents have no `WorkPlann`",
        ),
        ("--expect denied=timer", "timer.set"),
        (
            "--expect nothing=x",
            "plan-error, denied, unaccepted or unstarted",
        ),
        ("--expect x", "expected plan-error=PLAN"),
    ] {
        let said = place.sim(&format!("run --seeds 0..1 {arguments}"));
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(said.err.contains(says), "{arguments}: {}", said.err);
    }
}

/// Two things are wrong with the world: each is told, with a case of its own.
fn findings_hide_none() {
    let place = Place::new();
    place.world_with(
        "plans",
        "{\"id\": \"finish\", \"op\": \"end\"}",
        "{\"id\": \"finish\", \"op\": \"assign\", \"bind\": {\"as\": \"x\"}, \"expr\": {\"op\": \"div\", \"args\": [{\"nat\": 1}, {\"op\": \"sub\", \"args\": [{\"op\": \"len\", \"args\": [{\"ref\": \"@plan.input.req_id\"}]}, {\"op\": \"len\", \"args\": [{\"ref\": \"@plan.input.req_id\"}]}]}]}}",
    );
    place.planted("ok-after-failed");
    let run = "run --world world --wasm ok-after-failed.wasm --seeds 0..200 --case-dir found";
    let said = place.sim(&format!("{run} --keep-going"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let table = said.out.split("failure  ").last().expect("a table is told");
    for invariant in ["plans_succeed", "terminal_absorbing"] {
        let line = table.lines().find(|line| line.starts_with(invariant));
        let line = line.unwrap_or_else(|| panic!("{invariant}: {}", said.out));
        let case = line.split_whitespace().last().expect("a case");
        assert!(case.starts_with(&format!("found/{invariant}-")), "{line}");
        assert!(place.path(case).exists(), "{case}");
        let said = place.sim(&format!(
            "replay --brief {case} --world world --wasm ok-after-failed.wasm"
        ));
        assert_eq!(said.code, 1, "{}", said.out);
        assert!(said.out.contains(invariant), "{}", said.out);
    }
}

/// A machine of five arms with eight faults, all of them of two invariants. Without a state, `aaaa`
/// and `bbbb` trap and `cccc` gives what is no state; the others give one. With a state `dddd`
/// gives what is none, and all others trap, each in a place of its own.
fn faulty() -> Vec<u8> {
    let text = r#"(module (memory (export "memory") 1)
      (data (i32.const 64) "\a1\65state\44\a1\61n\01") (data (i32.const 96) "\a1\65state\41\ff")
      (func (export "alloc") (param i32) (result i32) (i32.const 1024))
      (func $a unreachable) (func $b unreachable) (func $a_later unreachable)
      (func $b_later unreachable) (func $c_later unreachable) (func $e_later unreachable)
      (func $has (param $at i32) (param $length i32) (param $bytes i32) (result i32)
        (local $end i32)
        (local.set $end (i32.add (local.get $at) (i32.sub (local.get $length) (i32.const 3))))
        (loop $next
          (if (i32.gt_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
          (if (i32.eq (local.get $bytes)
                (i32.and (i32.load (local.get $at)) (i32.const 0xffffff)))
            (then (return (i32.const 1))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))
        unreachable)
      (func (export "step") (param $at i32) (param $length i32) (result i32 i32)
        (local $later i32)
        (local.set $later (call $has (local.get $at) (local.get $length) (i32.const 0x016e61)))
        (if (call $has (local.get $at) (local.get $length) (i32.const 0x616161))
          (then (if (local.get $later) (then (call $a_later)) (else (call $a)))))
        (if (call $has (local.get $at) (local.get $length) (i32.const 0x626262))
          (then (if (local.get $later) (then (call $b_later)) (else (call $b)))))
        (if (call $has (local.get $at) (local.get $length) (i32.const 0x636363))
          (then (if (local.get $later) (then (call $c_later))
            (else (return (i32.const 96) (i32.const 9))))))
        (if (i32.and (local.get $later)
              (call $has (local.get $at) (local.get $length) (i32.const 0x646464)))
          (then (return (i32.const 96) (i32.const 9))))
        (if (i32.and (local.get $later)
              (call $has (local.get $at) (local.get $length) (i32.const 0x656565)))
          (then (call $e_later)))
        (i32.const 64) (i32.const 12)))"#;
    wat::parse_str(text).expect("the fixture is well-formed")
}

/// One campaign lists them all, each with a story of its own that shows it and no other.
fn many_faults_in_one() {
    let place = Place::new();
    let arms = ["aaaa", "bbbb", "cccc", "dddd", "eeee"];
    let go = |arm: &str| arm[..1].to_uppercase();
    let schemas = arms.map(|arm| {
        format!(
            r#"{{"$kind": "defschema", "name": "w/{}@1", "type": {{"record": {{"id": {{"text": {{}}}}}}}}}},"#,
            go(arm)
        )
    });
    let names = arms.map(|arm| format!("{{\"name\": \"w/{}@1\"}}, ", go(arm)));
    let arms = arms.map(|arm| format!("\"{arm}\": {{\"ref\": \"w/{}@1\"}}", go(arm)));
    let text = r#"[
      SCHEMAS
      {"$kind": "defschema", "name": "w/Event@1", "type": {"variant": {ARMS}}},
      {"$kind": "defschema", "name": "w/State@1", "type": {"record": {"n": {"nat": {}}}}},
      {"$kind": "defmodule", "name": "w/Machine@1", "module_kind": "reducer",
        "abi": {"reducer": {"state": "w/State@1", "event": "w/Event@1"}}},
      {"$kind": "manifest", "air_version": "1",
        "schemas": [NAMES {"name": "w/Event@1"}, {"name": "w/State@1"}],
        "modules": [{"name": "w/Machine@1"}], "plans": [], "effects": [], "caps": [], "policies": [],
        "routing": {"events": [{"event": "w/Event@1", "reducer": "w/Machine@1"}]}}]"#;
    let text = text.replace("SCHEMAS", &schemas.concat());
    let text = text.replace("NAMES", &names.concat());
    place.write("w/world.air.json", text.replace("ARMS", &arms.join(", ")));
    place.write("faulty.wasm", faulty());
    let of = "--world w --wasm faulty.wasm";
    let said = place.sim(&format!(
        "run {of} --seeds 0..400 --case-dir found --format json"
    ));
    assert_eq!(said.code, 1, "{}", said.err);
    let events = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON"));
    let shrunk = events.filter(|event| event["event"] == "shrunk");
    let mut told: Vec<String> = Vec::new();
    for event in shrunk {
        let (decisions, before) = (&event["decisions"], &event["decisions_before"]);
        assert!(decisions.as_u64() <= before.as_u64(), "{event}");
        told.push(format!(
            "{decisions}: {}",
            event["signature"].as_str().unwrap_or_default()
        ));
        let file = event["case"]["file"].as_str().expect("it is text");
        let said = place.sim(&format!("replay {file} {of} --format json"));
        let found = event["violations"][0]["found"]
            .as_str()
            .expect("it is text");
        assert_eq!(said.code, 1);
        let found = serde_json::to_string(found).expect("it is JSON");
        assert!(said.out.contains(&found), "{found} in {}", said.out);
    }
    told.sort();
    expect![[r#"
        1: bounded: aaaa in nothing, which stays; reducer trapped: wasm `unreachable` instruction executed; in a < step
        1: bounded: bbbb in nothing, which stays; reducer trapped: wasm `unreachable` instruction executed; in b < step
        1: conforms: cccc in nothing, which stays; at the top: expected a record, found a break
        2: bounded: aaaa in its state, which stays; reducer trapped: wasm `unreachable` instruction executed; in a_later < step
        2: bounded: bbbb in its state, which stays; reducer trapped: wasm `unreachable` instruction executed; in b_later < step
        2: bounded: cccc in its state, which stays; reducer trapped: wasm `unreachable` instruction executed; in c_later < step
        2: bounded: eeee in its state, which stays; reducer trapped: wasm `unreachable` instruction executed; in e_later < step
        2: conforms: dddd in its state, which stays; at the top: expected a record, found a break"#]].assert_eq(&told.join("\n"));
}

/// A bug of any world, found by documents alone, shrunk, replayed and told by what changed.
fn shrinks_and_replays() {
    let place = Place::new();
    place.world();
    for name in place.list("world") {
        let name = format!("world/{name}");
        let text = std::fs::read_to_string(place.path(&name)).expect("it can be read");
        place.write(&name, text.replace("demo/Retry", "my/Retry"));
    }
    place.planted("trap-in-backoff-stale");
    let of = "--world world --wasm trap-in-backoff-stale.wasm";
    let said = place.sim(&format!(
        "run {of} --seeds 0..2000 --case-dir found --no-shrink --most-failures 1"
    ));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let case = format!("found/{}", place.list("found")[0]);
    let said = place.sim(&format!("shrink {case} {of} --out short.json"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("bounded at turn"), "{}", said.out);
    assert!(!said.out.contains("``"), "{}", said.out);
    let said = place.sim(&format!("replay short.json {of}"));
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out.contains("\"Working\" → \"Backoff\""),
        "{}",
        said.out
    );
}

/// What was declared never to happen, and did, is told.
fn what_was_expected() {
    let place = Place::new();
    place.world();
    let run = "run --world world --seeds 0..200";
    let said = place.sim(&format!(
        "{run} --expect unstarted=WorkPlan --expect unaccepted=start --expect unaccepted=ok"
    ));
    assert_eq!(said.code, 0, "{}", said.err);
    for note in [
        "note: --expect unstarted=WorkPlan never came true: started WorkPlan in 199 runs\n",
        "note: --expect unaccepted=start never came true: accepted start in 200 runs\n",
    ] {
        assert!(said.out.contains(note), "{note}{}", said.out);
    }
    let said = place.sim(run);
    assert!(!said.out.contains("--expect"), "{}", said.out);
    let said = place.sim("run --world world --seeds 0..1");
    assert!(said.out.starts_with("1 seed, "), "{}", said.out);
}
