//! What work is answered, by kind and by plan, and whose it is.

use libtest_mimic::Trial;

use super::{count, documents_of, trial};
use crate::cli::{Place, Said};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("answers", "by_kind", by_kind),
        trial("answers", "by_plan", by_plan),
        trial("answers", "that_raise", that_raise),
        trial("answers", "that_are_drawn", that_are_drawn),
        trial("answers", "known_again", known_again),
        trial("answers", "known_again_by_plan", known_again_by_plan),
    ]
}

/// Where requests are started, and whose things are.
const START: &str = r#"format = "sim/1"

[clients.start]
event = "demo/RetryEvent@1"
arm = "start"
fields.req_id = { fresh = "r" }
fields.payload = "p"
fields.max_attempts = { range = [1, 3] }
fields.base_delay_ms = 1
fields.now_ns = { now = true }

[campaign]
seeds = 100

[correlation]
"demo/RetryEvent@1" = "req_id"
"demo/WorkRequested@1" = "req_id"
"http.request" = "headers.x-request"
"#;

/// The world whose plan asks over HTTP.
fn http(more: &str) -> (Place, Said) {
    let place = documents_of("sim/tests/fixtures/worlds/http");
    place.write("w/sim.toml", format!("{START}{more}"));
    let said = place.sim("run --world w --case-dir found");
    (place, said)
}

fn ends(said: &Said, code: i32) -> &str {
    assert_eq!(said.code, code, "{}{}", said.out, said.err);
    &said.out
}

fn by_kind() {
    let text = r#"
[[answers."http.request"]]
name = "fine"
receipt = { status = 200 }
[[answers."http.request"]]
name = "refused"
receipt = { status = 404 }
[[answers."http.request"]]
name = "odd"
receipt = { status = 503 }
when = "params.headers['x-request'] == 'r2'"
[properties.fine]
sometimes = "receipt.kind == 'http.request' && receipt.value.status == 200"
[properties.refused]
sometimes = "receipt.kind == 'http.request' && receipt.value.status == 404"
[properties.no_other]
always = "receipt.value.status in [200, 404, 503]"
when = "receipt.kind == 'http.request'"
[properties.when]
always = "receipt.params.headers['x-request'] == 'r2'"
when = "receipt.kind == 'http.request' && receipt.value.status == 503"
[properties.whose]
always = "who == receipt.params.headers['x-request']"
when = "receipt.kind == 'http.request'"
"#;
    let (_, said) = http(text);
    let out = ends(&said, 0);
    // The plain one is not counted: all runs have it.
    assert!(count(out, "work answered refused") > 0, "{out}");
    assert!(count(out, "work answered odd") > 0, "{out}");
    // A schedule calls an answer by its name, and a receipt by its correlation.
    let (place, said) = http(&text.replace("[200, 404, 503]", "[200, 503]"));
    ends(&said, 1);
    let case = place.path(&format!("found/{}", place.list("found")[0]));
    let case = std::fs::read_to_string(case).expect("it can be read");
    let told = r#"{"receipt":"http.request","req_id":"r1","answer":"refused"}"#;
    assert!(case.contains(told), "{case}");
}

/// Those of a plan come before those of a kind; where first names differ, the plain one is `ok`.
fn by_plan() {
    let text = r#"
[[answers."http.request"]]
name = "of_kind"
receipt = { status = 299 }
[[answers."demo/WorkPlan@1"]]
name = "of_plan"
receipt = { status = 200 }
[[answers."demo/WorkPlan@1"]]
name = "other"
receipt = { status = { cel = "size(params.url)" } }
[properties.p]
always = "receipt.value.status in [200, 29]"
when = "receipt.kind == 'http.request'"
"#;
    let (_, said) = http(text);
    assert!(count(ends(&said, 0), "work answered other") > 0);
    let (_, said) = http(&text.replace("[200, 29]", "[200]"));
    ends(&said, 1);
    assert!(
        said.out.contains("found    receipt.value.status = 29\n"),
        "{}",
        said.out
    );
    let (_, said) = http(&text.replace("[200, 29]", "[29]"));
    let plain = ends(&said, 1);
    assert!(plain.contains(": ok\n"), "{plain}");
    let (_, said) = http(
        &text
            .replace("[200, 29]", "[29]")
            .replace("of_kind", "of_plan"),
    );
    let plain = ends(&said, 1);
    assert!(plain.contains(": of_plan\n"), "{plain}");
}

/// Of a plan that awaits nothing.
fn that_raise() {
    let place = documents_of("air");
    let text = r#"
[[answers.WorkPlan]]
name = "done"
raises = { ok = { req_id = { from = "req_id" } } }
[[answers.WorkPlan]]
name = "later"
goes_on = true
raises = { err = { transient = true } }
[[answers.WorkPlan]]
name = "never"
raises = { err = { transient = false, message = { cel = "input.payload + '!'" } } }
when = "input.req_id != 'r1'"
[properties.done]
sometimes = "event.tag == 'ok' && changed"
[properties.later]
sometimes = "event.tag == 'err' && event.err.transient && changed"
[properties.never]
sometimes = "event.tag == 'err' && event.err.message == 'p!' && changed"
[properties.but_one]
never = "event.tag == 'err' && event.err.message == 'p!' && event.err.req_id == 'r1'"
[properties.by]
always = "sent.by == 'demo/WorkPlan@1' && (has(sent.value.ok) || has(sent.value.err))"
when = "sent.schema == 'demo/RetryEvent@1'"
"#;
    let text = START.replace("\"http.request\" = \"headers.x-request\"\n", "") + text;
    let run = |text: &str| {
        place.write("w/sim.toml", text);
        place.sim("run --world w --case-dir found")
    };
    let said = run(&text);
    let out = ends(&said, 0);
    assert!(count(out, "work answered later") > 0, "{out}");
    assert!(count(out, "work answered never") > 0, "{out}");
    // A field that is left out is that of the input, if it has one of the same name.
    let said = run(&text.replace(
        "&& changed\"\n[properties.but_one]",
        "&& event.err.req_id == ''\"\n",
    ));
    ends(&said, 2);
    let said = run(&text.replace("!= 'r1'", "!= 'r2'"));
    ends(&said, 1);
}

fn that_are_drawn() {
    let text = r#"
[[answers."http.request"]]
name = "ok"
receipt = { status = { range = [500, 503] } }
[[answers."http.request"]]
name = "other"
receipt = { status = { one_of = [200, 404] } }
[properties.p]
always = "receipt.value.status in [200, 404, 500, 501, 502, 503]"
when = "receipt.kind == 'http.request'"
"#;
    let seen = [200, 404, 500, 501, 502, 503].map(|status| {
        format!(
            "[properties.s{status}]\nsometimes = \"receipt.kind == 'http.request' \
            && receipt.value.status == {status}\"\n"
        )
    });
    let (_, said) = http(&format!("{text}{}", seen.concat()));
    ends(&said, 0);
}

/// A service that knows requests again, by a header.
const SAME: &str = "[same]\n\"http.request\" = \"params.headers['x-request']\"\n";

/// What was said first is said again, drawn values and all; what got lost on the way is nothing
/// that was said. A schedule in which it is otherwise is not possible, and the explorer finds none.
fn known_again() {
    let text = r#"
[[answers."http.request"]]
name = "fine"
receipt = { status = { range = [200, 250] } }
[[answers."http.request"]]
name = "lost"
goes_on = true
receipt = { status = 503 }
[[answers."http.request"]]
name = "refused"
receipt = { status = 404 }
[counters.said]
first = "receipt.value.status"
when = "receipt.kind == 'http.request' && receipt.value.status != 503"
[counters.times]
count = "receipt.kind == 'http.request' && receipt.value.status != 503"
[properties.same]
always = "receipt.value.status == said"
when = "receipt.kind == 'http.request' && receipt.value.status != 503"
[properties.fine_again]
sometimes = "receipt.kind == 'http.request' && times > 1 && said < 300"
[properties.refused_again]
sometimes = "receipt.kind == 'http.request' && times > 1 && said == 404"
[properties.lost_after]
sometimes = "receipt.kind == 'http.request' && receipt.value.status == 503 && times > 0"
[properties.lost_before]
sometimes = "receipt.kind == 'http.request' && receipt.value.status == 503 && times == 0"
"#;
    let (_, said) = http(&format!("{text}{SAME}"));
    ends(&said, 0);
    // Without, it does not hold.
    let (place, said) = http(text);
    ends(&said, 1);
    // Its schedule is not that of a service which knows requests again.
    let case = format!("replay --world w found/{}", place.list("found")[0]);
    assert_eq!(place.sim(&case).code, 1);
    place.write("w/sim.toml", format!("{START}{text}{SAME}"));
    let said = place.sim(&case);
    let out = ends(&said, 0);
    assert!(out.contains("not possible"), "{out}");
    // Every schedule of a small world.
    let explore = "explore --world w --requests 1 --duplicates 1 --drops 0 --crashes 1 --depth 9";
    let said = place.sim(explore);
    // There are longer ones.
    let out = ends(&said, 6);
    assert!(out.contains("up to 9 decisions holds"), "{out}");
    assert!(out.contains("fine_again, refused_again"), "{out}");
    place.write("w/sim.toml", format!("{START}{text}"));
    ends(&place.sim(explore), 1);
}

/// Of a plan that awaits nothing: the answer is the same, its event that of the input.
fn known_again_by_plan() {
    let place = documents_of("air");
    let text = r#"
[[answers.WorkPlan]]
name = "done"
raises = { ok = { req_id = { from = "req_id" } } }
[[answers.WorkPlan]]
name = "never"
raises = { err = { transient = false } }
[counters.said]
first = "sent.value.tag"
when = "sent.schema == 'demo/RetryEvent@1'"
by = "'all'"
[properties.same]
always = "each.said['all'] == sent.value.tag"
when = "sent.schema == 'demo/RetryEvent@1'"
[properties.of_two]
sometimes = "sent.schema == 'demo/RetryEvent@1' && who == 'r2' && each.said['all'] == 'err'"
"#;
    let text = START.replace("\"http.request\" = \"headers.x-request\"\n", "") + text;
    let run = |text: &str| {
        place.write("w/sim.toml", text);
        place.sim("run --world w --case-dir found")
    };
    ends(&run(&text), 1);
    let same = |key: &str| format!("{text}[same]\nWorkPlan = \"{key}\"\n");
    ends(&run(&same("input.payload")), 0);
    // By another key, or by none, each is answered by itself.
    ends(&run(&same("input.req_id")), 1);
    ends(&run(&same("input.payload == 'p' ? null : 1")), 1);
}
