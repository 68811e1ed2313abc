//! What the loader warns of: edits of the base world, and what is said of each. The base world
//! itself has no warnings (`worlds::base`), so each is the edit's doing.

use std::fmt::Write;

use expect_test::{Expect, expect};
use libtest_mimic::Trial;
use sim::air::{Severity, load};

use super::{Edit, edited, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("warnings::lists_of_the_manifest", lists),
        trial("warnings::rules_that_never_match", rules),
        trial("warnings::effects_never_granted", never_granted),
        trial("warnings::effects_always_denied", always_denied),
        trial("warnings::requests_never_let_pass", never_let_pass),
        trial("warnings::conditions", conditions),
        trial("warnings::comparisons", comparisons),
        trial("warnings::come_in_order", in_order),
        trial("warnings::too_many", too_many),
    ]
}

/// What is said of worlds that are each the base world with a few pieces of text replaced.
fn check(worlds: &[&[Edit]], expected: &Expect) {
    let mut found = String::new();
    for edits in worlds {
        let (_, what) = edits.last().expect("there is an edit");
        let air = load(&edited(edits)).unwrap_or_else(|error| panic!("{what}\n{error}"));
        let _ = writeln!(found, "# {what}");
        assert!(!air.warnings.list.is_empty(), "not warned of: {what}");
        for warning in &air.warnings.list {
            assert_eq!(warning.severity, Severity::Warning);
            let _ = writeln!(found, "{warning}");
        }
    }
    expected.assert_eq(&found);
}

fn lists() {
    const START: &str = "[{\"name\": \"t/Start@1\"}";
    check(
        &[
            &[(
                "{\"$kind\": \"defcap\"",
                "{\"$kind\": \"defschema\", \"name\": \"t/More@1\", \"type\": {\"unit\": {}}}, \
                 {\"$kind\": \"defcap\"",
            )],
            &[(START, "[{\"name\": \"t/Start@1\", \"hash\": \"\"}")],
            &[(START, "[{\"name\": \"t/Start@1\", \"hash\": \"sha256:\"}")],
            &[(
                START,
                "[{\"name\": \"t/Start@1\", \"hash\": \"sha256:1111111111111111111111111111111111111111111111111111111111111111\"}",
            )],
            &[(
                "{\"name\": \"sys/http.out@1\"}",
                "{\"name\": \"sys/http.out@1\", \"hash\": \"sha256:1111111111111111111111111111111111111111111111111111111111111111\"}",
            )],
            &[(
                "\"module_kind\": \"reducer\"",
                "\"module_kind\": \"reducer\", \"wasm_hash\": \"\"",
            )],
        ],
        &expect![[r##"
            # {"$kind": "defschema", "name": "t/More@1", "type": {"unit": {}}}, {"$kind": "defcap"
            `t/More@1` is not in the manifest
              at world.air.json:35:34 (/7/name)
              hint: add it to `schemas`, or remove the document
            # [{"name": "t/Start@1", "hash": ""}
            an empty hash counts as none
              at world.air.json:44:47 (/10/schemas/0/hash)
              hint: leave `hash` out, or give all of it
            # [{"name": "t/Start@1", "hash": "sha256:"}
            `sha256:` alone is no hash, and counts as none
              at world.air.json:44:47 (/10/schemas/0/hash)
              hint: leave `hash` out, or give all of it
            # [{"name": "t/Start@1", "hash": "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
            the hash is not that of `t/Start@1`
              at world.air.json:44:47 (/10/schemas/0/hash)
              expected: sha256:da145fee7f3c2fa21fcc389b9b2839fbaca9ec880328b4675116b77128a61d16
              hint: leave `hash` out while the document still changes
            # {"name": "sys/http.out@1", "hash": "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
            the hash is not that of `sys/http.out@1`
              at world.air.json:48:72 (/10/caps/1/hash)
              expected: sha256:94dfb61b001aa922506680623a84b11ac0055718310c3baaec21090505902a7a
              hint: what is built in here is written otherwise; leave `hash` out
            # "module_kind": "reducer", "wasm_hash": ""
            an empty hash counts as none
              at world.air.json:12:88 (/5/wasm_hash)
              hint: leave `wasm_hash` out, or give all of it
        "##]],
    );
}

const ASK_RULE: &str = "\"origin_kind\": \"plan\", \"origin_name\": \"t/Ask@1\"";
const DENY_RULE: &str = "{\"when\": {}, \"decision\": \"deny\"}";

fn rules() {
    let more =
        |when: &str| format!("{{\"when\": {{{when}}}, \"decision\": \"deny\"}}, {DENY_RULE}");
    let rules = [
        more("\"origin_name\": \"t/Nobody@1\""),
        more("\"origin_name\": \"t/Machine@1\", \"origin_kind\": \"plan\""),
        more("\"origin_name\": \"t/Ask@1\", \"origin_kind\": \"reducer\""),
        more("\"effect_kind\": \"blob.put\""),
        more("\"cap_type\": \"nothing\""),
        more("\"effect_kind\": \"http.request\", \"cap_type\": \"timer\""),
        more("\"cap_name\": \"tick\", \"cap_type\": \"http.out\""),
        more("\"effect_kind\": \"http.request\", \"cap_name\": \"tick\""),
        format!("{DENY_RULE}, {{\"when\": {{\"cap_name\": \"http\"}}, \"decision\": \"allow\"}}"),
    ];
    let edits: Vec<[Edit; 1]> = rules.iter().map(|it| [(DENY_RULE, it.as_str())]).collect();
    let worlds: Vec<&[Edit]> = edits.iter().map(|edit| &edit[..]).collect();
    check(
        &worlds,
        &expect![[r##"
        # {"when": {"origin_name": "t/Nobody@1"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        no plan and no reducer has the name `t/Nobody@1`: the rule never matches
          at world.air.json:40:30 (/8/rules/2/when/origin_name)
        # {"when": {"origin_name": "t/Machine@1", "origin_kind": "plan"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        `t/Machine@1` is a reducer, not a plan: the rule never matches
          at world.air.json:40:30 (/8/rules/2/when/origin_name)
        # {"when": {"origin_name": "t/Ask@1", "origin_kind": "reducer"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        `t/Ask@1` is a plan, not a reducer: the rule never matches
          at world.air.json:40:30 (/8/rules/2/when/origin_name)
        # {"when": {"effect_kind": "blob.put"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        `blob.put` is not in `effects` of the manifest: the rule never matches
          at world.air.json:40:30 (/8/rules/2/when/effect_kind)
        # {"when": {"cap_type": "nothing"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        no cap and no effect is of `nothing`: the rule never matches
          at world.air.json:40:27 (/8/rules/2/when/cap_type)
        # {"when": {"effect_kind": "http.request", "cap_type": "timer"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        what the rule names is of `http.out`, not `timer`: the rule never matches
          at world.air.json:40:58 (/8/rules/2/when/cap_type)
        # {"when": {"cap_name": "tick", "cap_type": "http.out"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        what the rule names is of `timer`, not `http.out`: the rule never matches
          at world.air.json:40:47 (/8/rules/2/when/cap_type)
        # {"when": {"effect_kind": "http.request", "cap_name": "tick"}, "decision": "deny"}, {"when": {}, "decision": "deny"}
        `http.request` needs `http.out`, and `tick` grants `timer`: the rule never matches
          at world.air.json:40:58 (/8/rules/2/when/cap_name)
        # {"when": {}, "decision": "deny"}, {"when": {"cap_name": "http"}, "decision": "allow"}
        rule 2 matches all that this rule does: it never counts
          at world.air.json:40:39 (/8/rules/3)
          hint: the first rule that matches decides, counted from 0
    "##]],
    );
}

const SLOTS: &str = ", \"cap_slots\": {\"default\": \"timer\"}";
const TICK: &str = "{\"name\": \"tick\", \"cap\": \"t/timer@1\", \"params\": {\"record\": {}}},";

fn never_granted() {
    let second = format!("{TICK} {}", TICK.replace("tick", "tock"));
    let bound = "\"module_bindings\": {\"t/Machine@1\": {\"slots\": {\"default\": \"http\"}}}, \
                 \"routing\":";
    let none_bound = "\"module_bindings\": {\"t/Machine@1\": {\"slots\": {}}}, \"routing\":";
    check(
        &[
            &[(TICK, "")],
            &[(SLOTS, ""), (TICK, "")],
            &[(TICK, &second)],
            &[("\"routing\":", none_bound), (TICK, &second)],
            &[(SLOTS, ", \"cap_slots\": {\"main\": \"timer\"}")],
            &[(
                SLOTS,
                ", \"cap_slots\": {\"default\": \"timer\", \"main\": \"timer\"}",
            )],
            &[(SLOTS, ", \"cap_slots\": {\"default\": \"http.out\"}")],
            &[("\"routing\":", bound)],
            &[("\"expiry_ns\": 9", "\"expiry_ns\": 0")],
        ],
        &expect![[r##"
            # 
            `t/Machine@1` can never have `timer.set`: its slot `default` has no grant
              at world.air.json:14:55 (/5/abi/reducer/cap_slots/default)
              hint: no grant is of `timer`: add one to `defaults.cap_grants`
            # 
            `t/Machine@1` can never have `timer.set`: its slot `default` has no grant
              at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
              hint: no grant is of `timer`: add one to `defaults.cap_grants`
            # {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}}, {"name": "tock", "cap": "t/timer@1", "params": {"record": {}}},
            `t/Machine@1` can never have `timer.set`: its slot `default` has no grant
              at world.air.json:14:55 (/5/abi/reducer/cap_slots/default)
              hint: bind it in `module_bindings`; `tick` and `tock` are of `timer`
            # {"name": "tick", "cap": "t/timer@1", "params": {"record": {}}}, {"name": "tock", "cap": "t/timer@1", "params": {"record": {}}},
            `t/Machine@1` can never have `timer.set`: its slot `default` has no grant
              at world.air.json:53:25 (/10/module_bindings/t~1Machine@1)
              hint: bind it in `module_bindings`; `tick` and `tock` are of `timer`
            # , "cap_slots": {"main": "timer"}
            `t/Machine@1` can never have `timer.set`: its slot `main` has no grant
              at world.air.json:14:55 (/5/abi/reducer/cap_slots/main)
              hint: bind it to `tick` in `module_bindings`
            # , "cap_slots": {"default": "timer", "main": "timer"}
            `t/Machine@1` can never have `timer.set`: its slot `main` has no grant
              at world.air.json:14:75 (/5/abi/reducer/cap_slots/main)
              hint: bind it to `tick` in `module_bindings`
            # , "cap_slots": {"default": "http.out"}
            `t/Machine@1` can never have `timer.set`: it has no slot of `timer`
              at world.air.json:14:27 (/5/abi/reducer/effects_emitted/0)
              hint: declare one in `cap_slots`: {"default": "timer"}
            # "module_bindings": {"t/Machine@1": {"slots": {"default": "http"}}}, "routing":
            `http` grants `http.out`: what goes through the slot `default` is always denied
              at world.air.json:53:62 (/10/module_bindings/t~1Machine@1/slots/default)
              expected: a grant of `timer`
            # "expiry_ns": 0
            `http` expires at 0: it is never valid
              at world.air.json:52:90 (/10/defaults/cap_grants/1/expiry_ns)
              hint: leave `expiry_ns` out for a grant that does not expire
        "##]],
    );
}

fn always_denied() {
    check(
        &[
            &[("\"decision\": \"allow\"", "\"decision\": \"deny\"")],
            &[(
                "{\"effect_kind\": \"timer.set\"}, \"decision\": \"allow\"",
                "{\"effect_kind\": \"timer.set\"}, \"decision\": \"deny\"",
            )],
            &[
                (",\n    {\"when\": {}, \"decision\": \"deny\"}", ""),
                (
                    "{\"effect_kind\": \"timer.set\"}",
                    "{\"effect_kind\": \"timer.set\", \"origin_kind\": \"plan\"}",
                ),
            ],
            &[(
                ASK_RULE,
                "\"origin_kind\": \"plan\", \"origin_name\": \"t/Other@1\"",
            )],
            &[(
                "\"defaults\": {\"policy\": \"t/policy@1\", ",
                "\"defaults\": {",
            )],
        ],
        &expect![[r##"
            # "decision": "deny"
            `http.request` of `t/Ask@1` is always denied, by this rule
              at world.air.json:38:69 (/8/rules/0/decision)
              hint: the first rule that matches decides: allow it in one before this
            # {"effect_kind": "timer.set"}, "decision": "deny"
            `timer.set` of `t/Machine@1` is always denied, by this rule
              at world.air.json:39:56 (/8/rules/1/decision)
              hint: the first rule that matches decides: allow it in one before this
            # {"effect_kind": "timer.set", "origin_kind": "plan"}
            `timer.set` of `t/Machine@1` is always denied: no rule matches it
              at world.air.json:36:57 (/8/rules)
              hint: add a rule that allows it
            # "origin_kind": "plan", "origin_name": "t/Other@1"
            no plan and no reducer has the name `t/Other@1`: the rule never matches
              at world.air.json:38:45 (/8/rules/0/when/origin_name)
            `http.request` of `t/Ask@1` is always denied, by this rule
              at world.air.json:40:30 (/8/rules/2/decision)
              hint: the first rule that matches decides: allow it in one before this
            # "defaults": {
            no policy in `defaults`: every effect is denied, as `timer.set`
              at world.air.json:50:17 (/10/defaults)
              hint: name a policy that allows it; AgentOS' own kernel allows all without one
        "##]],
    );
}

const HOSTS: &str = "{\"hosts\": [\"h\"]}";
const URL: &str =
    "{\"op\": \"concat\", \"args\": [{\"text\": \"https://h/\"}, {\"ref\": \"@plan.input.id\"}]}";

fn never_let_pass() {
    check(
        &[
            &[(HOSTS, "{\"hosts\": []}")],
            &[(
                HOSTS,
                "{\"record\": {\"methods\": {\"set\": []}, \"ports\": {\"set\": []}}}",
            )],
            &[(HOSTS, "{\"methods\": [\"POST\", \"PUT\"]}")],
            // What the variable holds is known: how the address begins.
            &[(HOSTS, "{\"hosts\": [\"g\"]}")],
            &[(HOSTS, "{\"schemes\": [\"http\"]}")],
            &[(HOSTS, "{\"ports\": [80]}")],
            &[
                (URL, "{\"text\": \"https://h/b\"}"),
                (HOSTS, "{\"path_prefixes\": [\"/a\"]}"),
            ],
            &[(URL, "\"https://other/b\"")],
            &[("{\"ref\": \"@var:url\"}", "{\"text\": \"https://other/\"}")],
            &[("{\"ref\": \"@var:url\"}", "{\"text\": \"no url\"}")],
            &[(
                "{\"record\": {\"method\": {\"text\": \"GET\"}, \"url\": {\"ref\": \"@var:url\"},
          \"headers\": {\"map\": []}}}",
                "{\"method\": \"GET\", \"url\": \"https://other/\", \"headers\": {}}",
            )],
        ],
        &expect![[r##"
            # {"hosts": []}
            `hosts` of `http` is empty: no request passes
              at world.air.json:52:69 (/10/defaults/cap_grants/1/params/hosts)
              hint: leave `hosts` out to restrict nothing, which is how AgentOS' own enforcer takes an empty list
            # {"record": {"methods": {"set": []}, "ports": {"set": []}}}
            `methods` of `http` is empty: no request passes
              at world.air.json:52:82 (/10/defaults/cap_grants/1/params/record/methods)
              hint: leave `methods` out to restrict nothing, which is how AgentOS' own enforcer takes an empty list
            `ports` of `http` is empty: no request passes
              at world.air.json:52:104 (/10/defaults/cap_grants/1/params/record/ports)
              hint: leave `ports` out to restrict nothing, which is how AgentOS' own enforcer takes an empty list
            # {"methods": ["POST", "PUT"]}
            `http` never lets `GET` pass: `methods` has nothing for it
              at world.air.json:21:41 (/6/steps/1/params/record/method)
              hint: extend `methods` of the grant, or ask for something else
            # {"hosts": ["g"]}
            `http` never lets `https://h/…` pass: `hosts` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `hosts` of the grant, or ask for something else
            # {"schemes": ["http"]}
            `http` never lets `https://h/…` pass: `schemes` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `schemes` of the grant, or ask for something else
            # {"ports": [80]}
            `http` never lets `https://h/…` pass: `ports` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `ports` of the grant, or ask for something else
            # {"path_prefixes": ["/a"]}
            `http` never lets `https://h/b` pass: `path_prefixes` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `path_prefixes` of the grant, or ask for something else
            # "https://other/b"
            `http` never lets `https://other/b` pass: `hosts` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `hosts` of the grant, or ask for something else
            # {"text": "https://other/"}
            `http` never lets `https://other/` pass: `hosts` has nothing for it
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: extend `hosts` of the grant, or ask for something else
            # {"text": "no url"}
            `no url` is no URL: `http` never lets it pass
              at world.air.json:21:65 (/6/steps/1/params/record/url)
              hint: for example https://host/path
            # {"method": "GET", "url": "https://other/", "headers": {}}
            `http` never lets `https://other/` pass: `hosts` has nothing for it
              at world.air.json:21:44 (/6/steps/1/params/url)
              hint: extend `hosts` of the grant, or ask for something else
        "##]],
    );
}

const GUARD: &str = "{\"op\": \"lt\", \"args\": [{\"ref\": \"@var:got.status\"}, {\"int\": 300}]}";
const WHERE: &str =
    "{\"op\": \"eq\", \"args\": [{\"ref\": \"@event.id\"}, {\"ref\": \"@var:correlation_id\"}]}";
const INVARIANT: &str = "{\"op\": \"gt\", \"args\": [{\"ref\": \"@plan.input.n\"}, {\"nat\": 0}]}";

fn conditions() {
    let and = |other: &str| format!("{{\"op\": \"and\", \"args\": [{WHERE}, {other}]}}");
    let (never, always) = (and("{\"bool\": false}"), and("{\"bool\": true}"));
    let either = format!("{{\"op\": \"or\", \"args\": [{WHERE}, {{\"bool\": true}}]}}");
    // It is not always the same, and says nothing either.
    assert!(load(&edited(&[(WHERE, &always)])).is_ok_and(|air| air.warnings.list.is_empty()));
    check(
        &[
            &[(GUARD, "{\"bool\": true}")],
            &[(
                GUARD,
                "{\"op\": \"lt\", \"args\": [{\"nat\": 2}, {\"nat\": 1}]}",
            )],
            &[(
                GUARD,
                "{\"op\": \"ne\", \"args\": [{\"ref\": \"@var:got\"}, {\"ref\": \"@var:got\"}]}",
            )],
            &[(WHERE, &never)],
            &[(WHERE, &either)],
            &[(
                WHERE,
                "{\"op\": \"eq\", \"args\": [{\"ref\": \"@event.id\"}, {\"text\": \"x\"}]}",
            )],
            &[(INVARIANT, "{\"op\": \"not\", \"args\": [{\"bool\": true}]}")],
            &[(
                INVARIANT,
                "{\"op\": \"and\", \"args\": [{\"bool\": true}, {\"bool\": true}]}",
            )],
        ],
        &expect![[r##"
            # {"bool": true}
            the guard is always true: the edge needs none
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "lt", "args": [{"nat": 2}, {"nat": 1}]}
            the guard is always false: nothing passes this edge
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "ne", "args": [{"ref": "@var:got"}, {"ref": "@var:got"}]}
            the guard is always false: nothing passes this edge
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "and", "args": [{"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}, {"bool": false}]}
            `where` is always false: nothing ends the wait
              at world.air.json:25:18 (/6/steps/3/where)
            # {"op": "or", "args": [{"op": "eq", "args": [{"ref": "@event.id"}, {"ref": "@var:correlation_id"}]}, {"bool": true}]}
            `where` is always true: the first event ends the wait
              at world.air.json:25:18 (/6/steps/3/where)
            # {"op": "eq", "args": [{"ref": "@event.id"}, {"text": "x"}]}
            `where` has nothing of the instance in it: each instance awaits the same event
              at world.air.json:25:18 (/6/steps/3/where)
              hint: compare with `@var:correlation_id`, which `correlate_by` sets
            # {"op": "not", "args": [{"bool": true}]}
            the invariant is always false: every instance ends with an error
              at world.air.json:34:20 (/6/invariants/0)
            # {"op": "and", "args": [{"bool": true}, {"bool": true}]}
            the invariant is always true: it says nothing
              at world.air.json:34:20 (/6/invariants/0)
        "##]],
    );
}

fn comparisons() {
    let worlds = [
        // A record of other fields, null where there is none, a tag of another variant.
        "{\"op\": \"eq\", \"args\": [{\"ref\": \"@plan.input\"}, {\"record\": {\"id\": {\"text\": \"a\"}}}]}",
        "{\"op\": \"ne\", \"args\": [{\"ref\": \"@plan.input.id\"}, {\"null\": {}}]}",
        "{\"op\": \"eq\", \"args\": [{\"ref\": \"@plan.input.n\"}, {\"int\": -1}]}",
        "{\"op\": \"eq\", \"args\": [{\"ref\": \"@var:call\"}, {\"text\": \"abc\"}]}",
        "{\"op\": \"has\", \"args\": [{\"ref\": \"@plan.input\"}, {\"text\": \"di\"}]}",
        "{\"op\": \"has\", \"args\": [{\"ref\": \"@var:got.headers\"}, {\"nat\": 1}]}",
        "{\"op\": \"contains\", \"args\": [{\"list\": [{\"nat\": 1}]}, {\"text\": \"a\"}]}",
        "{\"op\": \"contains\", \"args\": [{\"ref\": \"@plan.input\"}, {\"text\": \"di\"}]}",
        "{\"op\": \"eq\", \"args\": [{\"variant\": {\"tag\": \"a\"}}, {\"variant\": {\"tag\": \"b\"}}]}",
        "{\"op\": \"and\", \"args\": [{\"ref\": \"@var:answer.ok\"}, {\"op\": \"eq\", \"args\": \
         [{\"op\": \"div\", \"args\": [{\"ref\": \"@plan.input.n\"}, {\"nat\": 0}]}, {\"nat\": 1}]}]}",
    ];
    let edits: Vec<[Edit; 1]> = worlds.iter().map(|it| [(GUARD, *it)]).collect();
    let worlds: Vec<&[Edit]> = edits.iter().map(|edit| &edit[..]).collect();
    check(
        &worlds,
        &expect![[r##"
            # {"op": "eq", "args": [{"ref": "@plan.input"}, {"record": {"id": {"text": "a"}}}]}
            `eq` is always false: t/Start@1 and a record have no value in common
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "ne", "args": [{"ref": "@plan.input.id"}, {"null": {}}]}
            `ne` is always true: text and unit have no value in common
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"ref": "@plan.input.n"}, {"int": -1}]}
            `eq` is always false: a whole number up to 64 bits is expected, and the constant is a negative number
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"ref": "@var:call"}, {"text": "abc"}]}
            `eq` is always false: `sha256:` and 64 lowercase hex digits is expected, and the constant is `abc`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "has", "args": [{"ref": "@plan.input"}, {"text": "di"}]}
            `has` is always false: t/Start@1 never has `di`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "has", "args": [{"ref": "@var:got.headers"}, {"nat": 1}]}
            `has` is always false: a map never has nat
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "contains", "args": [{"list": [{"nat": 1}]}, {"text": "a"}]}
            `contains` is always false: a list never has `a` in it
              at world.air.json:31:17 (/6/edges/2/when)
            the guard is always false: nothing passes this edge
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "contains", "args": [{"ref": "@plan.input"}, {"text": "di"}]}
            `contains` is always false: t/Start@1 never has `di`
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "eq", "args": [{"variant": {"tag": "a"}}, {"variant": {"tag": "b"}}]}
            `eq` is always false: a variant and a variant have no value in common
              at world.air.json:31:17 (/6/edges/2/when)
            the guard is always false: nothing passes this edge
              at world.air.json:31:17 (/6/edges/2/when)
            # {"op": "and", "args": [{"ref": "@var:answer.ok"}, {"op": "eq", "args": [{"op": "div", "args": [{"ref": "@plan.input.n"}, {"nat": 0}]}, {"nat": 1}]}]}
            where it is reached, `div` by zero
              at world.air.json:31:17 (/6/edges/2/when)
        "##]],
    );
    let tag = "{\"op\": \"eq\", \"args\": [{\"ref\": \"@event.$tag\"}, {\"text\": \"strat\"}]}";
    let and = format!(
        "{{\"op\": \"and\", \"args\": [{{\"op\": \"eq\", \"args\": [{{\"ref\": \"@event.$value.id\"}}, {{\"ref\": \"@var:correlation_id\"}}]}}, {tag}]}}"
    );
    check(
        &[&[
            (
                "\"await_event\", \"event\": \"t/Answer@1\"",
                "\"await_event\", \"event\": \"t/Event@1\"",
            ),
            (
                "{\"variant\": {\"tag\": \"answer\", \"value\": {\"ref\": \"@var:answer\"}}}",
                "{\"ref\": \"@var:answer\"}",
            ),
            (WHERE, &and),
        ]],
        &expect![[r##"
            # {"op": "and", "args": [{"op": "eq", "args": [{"ref": "@event.$value.id"}, {"ref": "@var:correlation_id"}]}, {"op": "eq", "args": [{"ref": "@event.$tag"}, {"text": "strat"}]}]}
            `eq` is always false: unknown tag `strat`; there are start, timer, answer
              at world.air.json:25:18 (/6/steps/3/where)
        "##]],
    );
}

/// Of several checks, in order of their places.
fn in_order() {
    check(
        &[&[
            ("\"expiry_ns\": 9", "\"expiry_ns\": 0"),
            (GUARD, "{\"bool\": true}"),
            (
                "{\"name\": \"t/Start@1\"}",
                "{\"name\": \"t/Start@1\", \"hash\": \"\"}",
            ),
            ("\"decision\": \"allow\"", "\"decision\": \"deny\""),
        ]],
        &expect![[r##"
            # "decision": "deny"
            the guard is always true: the edge needs none
              at world.air.json:31:17 (/6/edges/2/when)
            `http.request` of `t/Ask@1` is always denied, by this rule
              at world.air.json:38:69 (/8/rules/0/decision)
              hint: the first rule that matches decides: allow it in one before this
            an empty hash counts as none
              at world.air.json:44:47 (/10/schemas/0/hash)
              hint: leave `hash` out, or give all of it
            `http` expires at 0: it is never valid
              at world.air.json:52:90 (/10/defaults/cap_grants/1/expiry_ns)
              hint: leave `expiry_ns` out for a grant that does not expire
        "##]],
    );
}

/// So many are shown, and the rest are counted.
fn too_many() {
    let more = |index| {
        format!(
            "{{\"$kind\": \"defschema\", \"name\": \"t/M{index}@1\", \"type\": {{\"unit\": {{}}}}}}, "
        )
    };
    let more: String = (0..250).map(more).collect();
    let cap = "{\"$kind\": \"defcap\"";
    let air = load(&edited(&[(cap, &(more.clone() + cap))]));
    let warnings = air.expect("it loads").warnings;
    assert_eq!((warnings.list.len(), warnings.count()), (200, 250));
    let last = warnings.list.last().and_then(|it| it.hint.clone());
    assert!(last.is_some_and(|hint| hint.ends_with("50 more warnings are not shown")));
    // Errors come before warnings where there is room for some only.
    let edits = [
        (cap, &*(more + cap)),
        ("\"decision\": \"deny\"", "\"decision\": \"no\""),
    ];
    let diagnostics = load(&edited(&edits)).expect_err("it is refused");
    assert_eq!((diagnostics.list.len(), diagnostics.hidden), (200, [0, 51]));
    let errors = { diagnostics.list.iter() }.filter(|it| it.severity == Severity::Error);
    assert_eq!(errors.count(), 1);
}
