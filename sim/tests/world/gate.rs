//! The effect gate, in its order: expiry, cap type, parameters, policy. And what reducers may not.

use std::fmt::Write;

use expect_test::expect;
use libtest_mimic::Trial;

use super::{follow, journal, small_world, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("gate", "effects_of_plans", effects_of_plans),
        trial("gate", "effects_of_reducers", effects_of_reducers),
    ]
}

const ASK: &str = r#"{"name":"a","schema":"t/Start@1","value":{"id":"a","n":"1"}}"#;

/// The second step of the plan asks for `http.request` to `https://h/a`, under the grant `http`.
fn effects_of_plans() {
    let grant = "{\"hosts\": [\"h\"]}";
    let mut found = String::new();
    for (what, edits, at_ns) in [
        ("allowed", vec![], 8),
        ("expired", vec![], 9),
        ("another host", vec![(grant, "{\"hosts\": [\"other\"]}")], 0),
        ("this host", vec![(grant, "{\"hosts\": [\"H\"]}")], 0),
        ("no host", vec![(grant, "{\"hosts\": []}")], 0),
        ("any host", vec![(grant, "{}")], 0),
        (
            "another scheme",
            vec![(grant, "{\"schemes\": [\"http\"]}")],
            0,
        ),
        ("this method", vec![(grant, "{\"methods\": [\"GET\"]}")], 0),
        (
            "its other case",
            vec![(grant, "{\"methods\": [\"get\"]}")],
            0,
        ),
        (
            "another method",
            vec![(grant, "{\"methods\": [\"PUT\"]}")],
            0,
        ),
        ("the scheme's port", vec![(grant, "{\"ports\": [443]}")], 0),
        ("another port", vec![(grant, "{\"ports\": [80]}")], 0),
        (
            "this path",
            vec![(grant, "{\"path_prefixes\": [\"/a\"]}")],
            0,
        ),
        (
            "another path",
            vec![(grant, "{\"path_prefixes\": [\"/b\"]}")],
            0,
        ),
        (
            "the policy denies",
            vec![("\"decision\": \"allow\"", "\"decision\": \"deny\"")],
            0,
        ),
        (
            "no rule of this grant",
            vec![("\"cap_name\": \"http\"", "\"cap_name\": \"tick\"")],
            0,
        ),
        (
            "no rule at all",
            vec![
                (",\n    {\"when\": {}, \"decision\": \"deny\"}", ""),
                ("\"origin_kind\": \"plan\"", "\"origin_kind\": \"reducer\""),
            ],
            0,
        ),
    ] {
        let world = small_world(&edits, &super::constant_reducer());
        let wait = if at_ns > 0 {
            format!("{{\"advance\":\"clock\",\"at_ns\":{at_ns}}},")
        } else {
            String::new()
        };
        let schedule =
            format!("{wait}{{\"start\":\"a\"}},{{\"step\":\"Ask\"}},{{\"step\":\"Ask\"}}");
        let (trace, _) = follow(&world, ASK, &schedule);
        let journal = journal(&world.air, &trace);
        let said: Vec<&str> = journal.lines().skip(2).collect();
        let _ = writeln!(found, "{what}: {}", said.join(", "));
    }
    expect![[r#"
        allowed: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        expired: plan_step a_url, plan_step b_ask, cap_decision the grant has expired, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        another host: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        this host: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        no host: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        any host: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        another scheme: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        this method: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        its other case: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        another method: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        the scheme's port: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        another port: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        this path: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow true, effect_intent http.request
        another path: plan_step a_url, plan_step b_ask, cap_decision the grant does not cover these parameters, policy_decision rule Some(0) allow true, plan_ended step `b_ask`: the effect gate said no
        the policy denies: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(0) allow false, plan_ended step `b_ask`: the effect gate said no
        no rule of this grant: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule Some(2) allow false, plan_ended step `b_ask`: the effect gate said no
        no rule at all: plan_step a_url, plan_step b_ask, cap_decision allow, policy_decision rule None allow false, plan_ended step `b_ask`: the effect gate said no
    "#]].assert_eq(&found);
}

const EVENT: &str = r#"{"name":"e","schema":"t/Event@1","value":{"start":{"id":"a","n":"1"}}}"#;

/// What a reducer of the small world, which may ask for `timer.set`, is refused.
fn effects_of_reducers() {
    let text = |text: &str| [&[0x60 + text.len() as u8], text.as_bytes()].concat();
    let effect = |kind: &str, slot: &str| {
        let params = [
            &[0xa2][..],
            &text("key"),
            &[0xf6],
            &text("deliver_at_ns"),
            &[5],
        ]
        .concat();
        let fields = [
            text("kind"),
            text(kind),
            text("cap_slot"),
            text(slot),
            text("params_cbor"),
        ];
        [
            &[0xa3][..],
            &fields.concat(),
            &[0x40 + params.len() as u8],
            &params,
        ]
        .concat()
    };
    let output = |effects: &[Vec<u8>]| {
        let fields = [text("state"), vec![0xf6], text("effects")].concat();
        let output = [
            &[0xa2][..],
            &fields,
            &[0x80 + effects.len() as u8],
            &effects.concat(),
        ];
        super::reducer_answering(&output.concat())
    };
    let deny = (
        "{\"effect_kind\": \"timer.set\"}, \"decision\": \"allow\"",
        "{\"effect_kind\": \"timer.set\"}, \"decision\": \"deny\"",
    );
    let mut found = String::new();
    for (what, edits, wasm) in [
        ("a timer", vec![], output(&[effect("timer.set", "default")])),
        (
            "the policy denies",
            vec![deny],
            output(&[effect("timer.set", "default")]),
        ),
        (
            "another slot",
            vec![],
            output(&[effect("timer.set", "other")]),
        ),
        (
            "a kind of plans",
            vec![],
            output(&[effect("http.request", "default")]),
        ),
        (
            "a kind that is not declared",
            vec![],
            output(&[effect("blob.put", "default")]),
        ),
        (
            "two effects",
            vec![],
            output(&[
                effect("timer.set", "default"),
                effect("timer.set", "default"),
            ]),
        ),
    ] {
        let world = small_world(&edits, &wasm);
        let (_, checked) = follow(&world, EVENT, "{\"start\":\"e\"}");
        let verdict = checked
            .violations
            .first()
            .map_or("holds".to_owned(), |violation| {
                format!(
                    "{}: expected {}, found {}",
                    violation.name(),
                    violation.expected,
                    violation.found
                )
            });
        let _ = writeln!(found, "{what}: {verdict}");
    }
    expect![[r#"
        a timer: holds
        the policy denies: intents_granted: expected the effect gate lets `timer.set` of `t/Machine@1` pass, by the grant `tick`, found it was denied: the policy says no
        another slot: conforms: expected a slot that is bound to a grant, found `other`
        a kind of plans: conforms: expected an effect kind of `effects_emitted`, found `http.request`
        a kind that is not declared: conforms: expected an effect kind of `effects_emitted`, found `blob.put`
        two effects: conforms: expected at most one effect, found 2
    "#]].assert_eq(&found);
}
