//! `sim why`: what it says of failing cases is so. Exact figures are known by reasoning in a tiny
//! world; of planted bugs what is said is tried on the cases themselves.

use std::fs;

use expect_test::expect;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sim::report::why::interval::Interval;

use crate::cli::{Place, Said};
use crate::examples::wasm_of;
use crate::support::{root, trial};

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 13] = [
        ("intervals", intervals),
        ("told", told),
        ("last_has_all_and_first_has_fewer", last_has_all),
        ("a_tiny_world_is_counted", a_tiny_world_is_counted),
        ("certain_from_a_later_turn", certain_from_a_later_turn),
        ("jobs_do_not_matter", jobs_do_not_matter),
        ("the_seed_matters", the_seed_matters),
        ("closest_holds_and_differs_in_one", closest_holds),
        ("what_can_be_changed_keeps_the_failure", what_can_be_changed),
        ("in_the_liveness_phase", in_the_liveness_phase),
        ("not_counted", not_counted),
        ("a_page_has_the_curve", a_page_has_the_curve),
        ("refusals", refusals),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, test)| trial(format!("why::{name}"), test))
        .collect()
}

const BUG: &str = "attempt-limit-off-by-one";

/// A place with a planted reducer.
fn planted(bug: &str) -> Place {
    let place = Place::new();
    let mut bugs = planted::BUGS.iter();
    let (number, _) = bugs.find(|(_, name)| *name == bug).expect("it is a bug");
    place.write("bug.wasm", retry_world::planted_wasm(*number));
    place
}

/// And a case that a campaign found on it.
fn found(bug: &str, more: &str) -> (Place, String) {
    let place = planted(bug);
    let run = format!("run --seeds 0..100 --wasm bug.wasm --case-dir found {more}");
    assert_eq!(place.sim(&run).code, 1);
    let case = format!("found/{}", place.list("found")[0]);
    (place, case)
}

/// The event that says why.
fn why_of(said: &Said) -> Value {
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let events = said.out.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("each line is JSON");
        event
    });
    let events: Vec<Value> = events.collect();
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(kinds, ["started", "why", "finished"]);
    assert_eq!(
        (&events[0]["command"], &events[0]["cases"]),
        (&json!("why"), &json!(1))
    );
    assert_eq!(events[2]["exit_code"], 1);
    events[1].clone()
}

fn look(place: &Place, case: &str, more: &str) -> Value {
    why_of(&place.sim(&format!("why {case} --format json {more}")))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().expect("it is a list")
}

fn numbers(why: &Value, name: &str) -> Vec<u64> {
    let after = list(why, "after").iter();
    let numbers = after.map(|after| after[name].as_u64().expect("it is a number"));
    numbers.collect()
}

fn told() {
    let (place, case) = found(BUG, "");
    let said = place.sim(&format!("why {case} --wasm bug.wasm --continuations 200"));
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let told = said.out.split_once('\n').expect("the wasm is told first").1;
    expect![[r#"
        found/attempts_bounded-35b14c05eb89.json: violates attempts_bounded
        turn   decision                          of 200 fail  95 %                        schedules    without  instead
        start                                    116          51.07–64.63   ███████       2 of 6 fail
        0      start r1                          126          56.12–69.39   ████████      2 of 6 fail  holds
        1      deliver WorkRequested of "r1"     123          54.59–67.97   ████████      2 of 6 fail  holds    0 of 3 fail
        2      step WorkPlan of "r1": transient  178          83.90–92.63   ███████████   2 of 2 fail  holds    0 of 3 fail
        >3     deliver err of "r1"               200          98.11–100.00  ████████████  1 of 1 fail  later    0 of 4 fail
          without: what comes of it with the decision left out; instead: how many others, possible there, keep the failure
        after each turn chance takes over: 200 continuations from seed 0, sampled; 95 % is the interval, in percent
        schedules are exact: all that go on are counted, in 13 states, with at most the faults of the case (none)
        all 200 fail from turn 3 on (deliver err of "r1")
        certain from turn 2 on (step WorkPlan of "r1": transient): every schedule fails
        the largest step is turn 2 (step WorkPlan of "r1": transient): from 123 to 178
        every decision matters: none can be left out or replaced by itself
        the closest schedule that holds, at turn 2: step WorkPlan of "r1": terminal, in place of step WorkPlan of "r1": transient
    "#]].assert_eq(told);
}

/// Of several bugs, found short and as they were found.
fn last_has_all() {
    for (bug, more) in [
        (BUG, "--no-shrink"),
        ("ok-after-failed", ""),
        ("any-timer-accepted", ""),
    ] {
        let (place, case) = found(bug, more);
        let why = look(&place, &case, "--wasm bug.wasm --continuations 100");
        let failing = numbers(&why, "failing");
        let turns = list(&why, "decisions").len();
        assert_eq!(failing.len(), turns + 1);
        assert_eq!(failing[turns], 100, "{bug}: {failing:?}");
        assert!(failing[0] < 100, "{bug}: {failing:?}");
        let from = why["all_fail_from"].as_u64().expect("the last has all") as usize;
        assert!(failing[from..].iter().all(|it| *it == 100), "{failing:?}");
        assert!(from == 0 || failing[from - 1] < 100, "{failing:?}");
        for after in list(&why, "after") {
            let share = after["failing"].as_u64().map(|failing| failing * 100);
            assert!(after["low"].as_u64() <= share && share <= after["high"].as_u64());
        }
    }
}

/// What textbooks have, in hundredths of a percent; and the share itself is always within.
fn intervals() {
    for ((some, all), low, high) in [
        ((0, 10), 0, 2776),
        ((5, 10), 2365, 7635),
        ((10, 10), 7224, 10_000),
        ((312, 1_000), 2840, 3414),
        ((0, 0), 0, 10_000),
    ] {
        let found = Interval::of(some, all);
        assert!(found.low.abs_diff(low) <= 1, "{some} of {all}: {found:?}");
        assert!(found.high.abs_diff(high) <= 1, "{some} of {all}: {found:?}");
    }
    for all in [1, 2, 7, 1_000, 1_000_000_u32] {
        for some in [0, 1, all / 3, all - 1, all] {
            let Interval { low, high } = Interval::of(some, all);
            let share = u64::from(some) * 10_000;
            let [low, high] = [low, high].map(|end| u64::from(end) * u64::from(all));
            assert!(low <= share && share <= high, "{some} of {all}");
            assert!(high <= 10_000 * u64::from(all), "{some} of {all}");
        }
    }
}

/// The counter, of which 3 is never to be the total. Two requests add to 3.
fn counter(schedule: &[&str]) -> (Place, String) {
    let place = Place::new();
    let documents = fs::read(root("examples/counter/air/counter.air.json"));
    place.write("w/counter.air.json", documents.expect("they are there"));
    let source = fs::read_to_string(root("examples/counter/src/lib.rs"));
    place.write("w/counter.wasm", wasm_of(&source.expect("it is there")));
    place.write(
        "w/sim.toml",
        r#"
format = "sim/1"
[reducers."counter/Counter@1"]
wasm = "counter.wasm"
[clients.increment]
event = "counter/Event@1"
arm = "increment"
fields.by = { range = [1, 3] }
[clients.reset]
event = "counter/Event@1"
arm = "reset"
[properties.three]
never = "state.total == 3"
"#,
    );
    let request = |name: &str, value: Value| json!({"name": name, "schema": "counter/Event@1", "value": value});
    let schedule: Vec<Value> = schedule.iter().map(|name| json!({"start": name})).collect();
    let case = json!({
        "format": "sim-case/1",
        "found_by": {"driver": "hand"},
        "world": {"manifest": "", "reducers": {}},
        "requests": [
            request("one", json!({"increment": {"by": 1}})),
            request("two", json!({"increment": {"by": 2}})),
            request("reset", json!({"reset": {}})),
        ],
        "schedule": schedule,
    });
    place.write("case.json", case.to_string());
    (place, "case.json --world w".to_owned())
}

/// Schedules of `[failing, all]` after each decision.
fn schedules(why: &Value) -> Vec<[u64; 2]> {
    let after = list(why, "after").iter();
    let pairs = after.map(|after| {
        let schedules = &after["schedules"];
        ["failing", "all"].map(|name| schedules[name].as_u64().expect("they are counted"))
    });
    pairs.collect()
}

/// One, two and reset come in six orders. The total is 3 in the four in which reset is not between
/// the others. Once reset has come, it is in both.
fn a_tiny_world_is_counted() {
    let (place, case) = counter(&["reset", "one", "two"]);
    let why = look(&place, &case, "--continuations 10");
    assert_eq!(schedules(&why), [[4, 6], [2, 2], [1, 1], [1, 1]]);
    assert_eq!(why["certain_from"], 1);
    assert_eq!(why["violation"]["invariant"], "three");
    let counted = &why["counted"];
    assert_eq!(counted["duplicates"], 0);
    assert!(counted["states"].as_u64() > Some(3), "{counted}");
    assert_eq!(why["uncounted"], Value::Null);
    let said = place.sim(&format!("why {case} --continuations 10"));
    let certain = "certain from turn 0 on (start reset): every schedule fails";
    assert!(said.out.contains(certain), "{}", said.out);
}

/// Without reset before them it may still come between: after one, two ends it and reset saves it.
fn certain_from_a_later_turn() {
    let (place, case) = counter(&["one", "two"]);
    let why = look(&place, &case, "--continuations 10");
    assert_eq!(schedules(&why), [[4, 6], [1, 2], [1, 1]]);
    assert_eq!(why["certain_from"], 2);
    let closest = &why["closest"];
    assert_eq!(closest["turn"], 1);
    assert_eq!(closest["instead"], "start reset");
    // None of the two can be missing, and either may be another that is the same.
    let decisions = list(&why, "decisions");
    let without: Vec<&Value> = decisions.iter().map(|it| &it["without"]).collect();
    assert_eq!(without, ["holds", "holds"]);
}

fn jobs_do_not_matter() {
    let (place, case) = found(BUG, "--no-shrink");
    let said = ["--jobs 1", "--jobs 4"].map(|jobs| {
        let page = format!("{}.html", &jobs[7..]);
        let why = format!("why {case} --wasm bug.wasm --continuations 1500 --html {page} {jobs}");
        let text = place.sim(&why).out;
        let json = place.sim(&format!("{why} --format json")).out;
        let page = fs::read_to_string(place.path(&page)).expect("it was written");
        (text, json, page)
    });
    assert!(said[0].0.contains("1500"), "{}", said[0].0);
    assert!(said[0] == said[1], "they differ");
}

fn the_seed_matters() {
    let (place, case) = found(BUG, "");
    let of = |more: &str| {
        numbers(
            &look(&place, &case, &format!("--wasm bug.wasm {more}")),
            "failing",
        )
    };
    assert_eq!(of(""), of("--seed 0"));
    assert_ne!(of("--seed 1"), of("--seed 0"));
}

fn case_of(place: &Place, name: &str) -> Value {
    let text = fs::read_to_string(place.path(name)).expect("it is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The schedule is the case's but for one decision, and a replay holds.
fn closest_holds() {
    for bug in [BUG, "ok-after-failed", "any-timer-accepted"] {
        let (place, case) = found(bug, "");
        let more = "--wasm bug.wasm --continuations 10 --closest closest.json";
        let why = look(&place, &case, more);
        let replayed = place.sim("replay closest.json --wasm bug.wasm --brief");
        assert_eq!(replayed.code, 0, "{bug}: {}{}", replayed.out, replayed.err);
        let [before, after] = [&case, "closest.json"].map(|name| case_of(&place, name));
        let [mut before, after] = [&before, &after].map(|case| list(case, "schedule").to_vec());
        let turn = why["closest"]["turn"].as_u64().expect("there is one") as usize;
        match why["closest"]["instead"].is_null() {
            true => drop(before.remove(turn)),
            false => {
                assert_ne!(before[turn], after[turn]);
                before[turn] = after[turn].clone();
            }
        }
        for decision in &mut before {
            // Marks are of the failure.
            decision.as_object_mut().expect("it is one").remove("any");
        }
        assert_eq!(before, after, "{bug}");
        // A file that is there stays.
        let again = place.sim(&format!("why {case} {more}"));
        assert_eq!(again.code, 2, "{}", again.out);
        assert!(again.err.contains("closest.json is there"), "{}", again.err);
    }
}

/// What is said to fail without a decision fails, and what is said to hold does not.
fn what_can_be_changed() {
    let (place, case) = found(BUG, "--no-shrink");
    let why = look(&place, &case, "--wasm bug.wasm --continuations 10");
    let whole = case_of(&place, &case);
    let invariant = why["violation"]["invariant"]
        .as_str()
        .expect("it is a text");
    let mut seen = (0, 0);
    for decision in list(&why, "decisions") {
        let turn = decision["turn"].as_u64().expect("it has one") as usize;
        let mut changed = whole.clone();
        changed["schedule"]
            .as_array_mut()
            .expect("it is a list")
            .remove(turn);
        place.write("changed.json", changed.to_string());
        let said = place.sim("replay changed.json --wasm bug.wasm --brief");
        let fails = said.out.contains(&format!("violates {invariant}"));
        match decision["without"].as_str() {
            Some("fails") => {
                assert!(fails, "turn {turn}: {}", said.out);
                seen.0 += 1;
            }
            _ => {
                assert!(!fails, "turn {turn}: {}", said.out);
                seen.1 += 1;
            }
        }
    }
    assert!(seen.0 > 0 && seen.1 > 0, "{seen:?}");
}

/// The request is never brought to its end, which shows once faults have stopped. What chance does
/// after the last decision may still save it.
fn in_the_liveness_phase() {
    let (place, case) = found("ok-ignored-after-retry", "--no-shrink");
    let why = look(&place, &case, "--wasm bug.wasm --continuations 100");
    assert_eq!(why["is_in_liveness"], true);
    assert_eq!(why["counted"], Value::Null);
    let because = why["uncounted"].as_str().expect("it is said");
    assert!(because.contains("liveness phase"), "{because}");
    let failing = numbers(&why, "failing");
    assert_eq!(failing.len(), list(&why, "decisions").len() + 1);
    assert!(failing.last() > failing.first(), "{failing:?}");
}

fn not_counted() {
    let (place, case) = found(BUG, "");
    let why = look(
        &place,
        &case,
        "--wasm bug.wasm --continuations 10 --most-states 3",
    );
    assert_eq!(why["uncounted"], "more than 3 states go on from it");
    assert_eq!(
        (&why["counted"], &why["certain_from"]),
        (&Value::Null, &Value::Null)
    );
    let said = place.sim(&format!(
        "why {case} --wasm bug.wasm --continuations 10 --most-states 0"
    ));
    assert!(
        said.out.contains("sampled only: no state may be met"),
        "{}",
        said.out
    );
}

fn a_page_has_the_curve() {
    let (place, case) = found(BUG, "");
    let why = format!("why {case} --wasm bug.wasm --continuations 10 --html why.html");
    assert_eq!(place.sim(&why).code, 1);
    let page = fs::read_to_string(place.path("why.html")).expect("it was written");
    // A point for the beginning, and one for each of the four turns.
    assert_eq!(page.matches("<circle class=\"curve\"").count(), 5);
    for part in [
        "<polyline class=\"curve\"",
        "<polygon class=\"band\"",
        ">still fails<",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("10 of 10 fail from here"));
    assert!(!page.contains(" style="), "its policy refuses that");
    let plain = format!("replay {case} --wasm bug.wasm --html replay.html");
    assert_eq!(place.sim(&plain).code, 1);
    let page = fs::read_to_string(place.path("replay.html")).expect("it was written");
    assert!(!page.contains("<polyline"));
}

fn refusals() {
    let (place, case) = found(BUG, "");
    let holds = root("corpus/ok-after-failed.json").display().to_string();
    place.write(
        "other.json",
        r#"{"format":"sim-case/1","found_by":{"driver":"hand"},
        "world":{"manifest":"sha256:00","reducers":{}},"requests":[{"name":"a",
        "schema":"other/Event@1","value":{}}],"schedule":[]}"#,
    );
    for (arguments, code, says) in [
        (
            holds,
            2,
            "it does not fail on this world: nothing to look into",
        ),
        (
            case.clone(),
            2,
            "it violated attempts_bounded on another reducer",
        ),
        ("nowhere.json".to_owned(), 2, "nowhere.json"),
        ("bug.wasm".to_owned(), 2, "bug.wasm"),
        (
            "other.json".to_owned(),
            2,
            "if it was found on another world",
        ),
        (
            format!("{case} --wasm bug.wasm --property backoff_exact"),
            2,
            "hint: it violates attempts_bounded",
        ),
        (format!("{case} --continuations 0"), 2, "1..=1000000"),
        (format!("{case} --seed x"), 2, "expected a seed"),
        (
            format!("{case} --html a --closest a"),
            2,
            "cannot be written to the same file",
        ),
    ] {
        let said = place.sim(&format!("why {arguments}"));
        assert_eq!(said.code, code, "{arguments}: {}{}", said.out, said.err);
        assert!(said.err.contains(says), "{arguments}: {}", said.err);
        assert_eq!(said.out, "", "{arguments}");
    }
    let named = format!("{case} --wasm bug.wasm --continuations 10 --property attempts_bounded");
    assert_eq!(place.sim(&format!("why {named}")).code, 1);
}
