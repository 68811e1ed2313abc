//! What conditions may call beside what CEL has, and its arithmetic on whole numbers.
//!
//! CEL keeps `int` and `uint` apart: `state.total + 1` is an error where `total` has no sign. Here
//! the operators of arithmetic are calls of functions that take both; what is no number goes on to
//! CEL's own.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, operators};
use cel::common::types::{DYN_TYPE, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::parser::Expression;
use cel::{Env, ExecutionError};

use crate::fields::order;
use crate::numbers::{number, result};
use std::cmp::Ordering;

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Done<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// The names of the functions that conditions have beside those of CEL.
pub(crate) const NAMES: [&str; 7] = ["sum", "min", "max", "pow", "sat_add", "sat_sub", "sat_mul"];

/// The environment of all conditions.
pub(crate) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let two = || vec![DYN_TYPE, DYN_TYPE];
    let mut add = |name: &str, args, function| {
        let declared = env.add_overload(name, &format!("sim_{name}"), args, function);
        declared.expect("the name is free");
    };
    add("@add", two(), |args| {
        calculate(args, "+", i128::checked_add, |left, right| {
            let adder = left.as_adder().map(|adder| adder.add(right));
            adder.map(|sum| sum.map(CowVal::into_owned))
        })
    });
    add("@sub", two(), |args| {
        calculate(args, "-", i128::checked_sub, |_, _| None)
    });
    add("@mul", two(), |args| {
        calculate(args, "*", i128::checked_mul, |_, _| None)
    });
    add("@div", two(), |args| {
        calculate(args, "/", i128::checked_div, |_, _| None)
    });
    add("@rem", two(), |args| {
        calculate(args, "%", i128::checked_rem, |_, _| None)
    });
    add("@neg", vec![DYN_TYPE], |args| {
        let number = numbers("-", &args)?;
        result("-", number[0].checked_neg()).map(CowVal::Owned)
    });
    add("sum", vec![LIST_TYPE], sum);
    add("min", two(), |args| pick("min", args, Ordering::Less));
    add("max", two(), |args| pick("max", args, Ordering::Greater));
    add("pow", two(), |args| {
        saturate("pow", &args, |base, exponent| {
            let exponent = u32::try_from(exponent).unwrap_or(u32::MAX);
            base.checked_pow(exponent)
        })
    });
    add("sat_add", two(), |args| {
        saturate("sat_add", &args, i128::checked_add)
    });
    add("sat_sub", two(), |args| {
        saturate("sat_sub", &args, i128::checked_sub)
    });
    add("sat_mul", two(), |args| {
        saturate("sat_mul", &args, i128::checked_mul)
    });
    Arc::new(env)
});

fn numbers(what: &str, args: &[CowVal<'_, '_>]) -> Result<Vec<i128>, ExecutionError> {
    let numbers = args.iter().map(|arg| {
        number(&**arg).ok_or_else(|| {
            let types = args.iter().map(|arg| arg.get_type().name().to_owned());
            ExecutionError::no_such_overload(what, types.collect())
        })
    });
    numbers.collect()
}

fn calculate<'b, 'v>(
    args: Args<'b, 'v>,
    what: &str,
    exact: fn(i128, i128) -> Option<i128>,
    otherwise: impl FnOnce(
        &(dyn Val + 'v),
        &(dyn Val + 'v),
    ) -> Option<Result<Box<dyn Val + 'v>, ExecutionError>>,
) -> Done<'b, 'v> {
    if number(&*args[0]).is_none()
        && let Some(done) = otherwise(&*args[0], &*args[1])
    {
        return done.map(CowVal::Owned);
    }
    let numbers = numbers(what, &args)?;
    if matches!(what, "/" | "%") && numbers[1] == 0 {
        return Err(ExecutionError::function_error(what, "division by zero"));
    }
    result(what, exact(numbers[0], numbers[1])).map(CowVal::Owned)
}

/// The result, or 0 or 2^64-1 where it is past these.
fn saturate<'b, 'v>(
    what: &str,
    args: &[CowVal<'b, 'v>],
    exact: fn(i128, i128) -> Option<i128>,
) -> Done<'b, 'v> {
    let numbers = numbers(what, args)?;
    let most = i128::from(u64::MAX);
    let number = exact(numbers[0], numbers[1]).unwrap_or(most).clamp(0, most);
    result(what, Some(number)).map(CowVal::Owned)
}

fn pick<'b, 'v>(what: &str, args: Args<'b, 'v>, wanted: Ordering) -> Done<'b, 'v> {
    numbers(what, &args)?;
    let is_first = order(&*args[0], &*args[1]) == Some(wanted);
    let picked = args.into_iter().nth(usize::from(!is_first));
    Ok(picked.expect("there are two"))
}

fn sum<'b, 'v>(args: Args<'b, 'v>) -> Done<'b, 'v> {
    let Some(items) = args[0].as_iterable() else {
        return numbers("sum", &args).map(|_| unreachable!("a list is no number"));
    };
    let mut items = items.iter();
    let mut total = Some(0_i128);
    while let Some(item) = items.next() {
        let item = number(item).ok_or_else(|| {
            let found = vec![item.get_type().name().to_owned()];
            ExecutionError::no_such_overload("sum", found)
        })?;
        total = total.and_then(|total| total.checked_add(item));
    }
    result("sum", total).map(CowVal::Owned)
}

/// Makes the operators of arithmetic calls of the functions above.
pub(crate) fn with_own_arithmetic(expression: &mut Expression) {
    let own = |name: &str| match name {
        operators::ADD => Some("@add"),
        operators::SUBSTRACT => Some("@sub"),
        operators::MULTIPLY => Some("@mul"),
        operators::DIVIDE => Some("@div"),
        operators::MODULO => Some("@rem"),
        operators::NEGATE => Some("@neg"),
        _ => None,
    };
    match &mut expression.expr {
        Expr::Call(call) => {
            if let Some(name) = own(&call.func_name) {
                call.func_name = name.to_owned();
            }
            if let Some(target) = &mut call.target {
                with_own_arithmetic(target);
            }
            call.args.iter_mut().for_each(with_own_arithmetic);
        }
        Expr::Comprehension(all) => {
            with_own_arithmetic(&mut all.iter_range);
            with_own_arithmetic(&mut all.accu_init);
            with_own_arithmetic(&mut all.loop_cond);
            // A step that appends is recognised by its operator, and goes on to be.
            match &mut all.loop_step.expr {
                Expr::Call(step) if is_append(&all.accu_var, step) => {
                    step.args.iter_mut().for_each(with_own_arithmetic);
                }
                Expr::Call(choice) if choice.func_name == operators::CONDITIONAL => {
                    for arg in &mut choice.args {
                        match &mut arg.expr {
                            Expr::Call(step) if is_append(&all.accu_var, step) => {
                                step.args.iter_mut().for_each(with_own_arithmetic);
                            }
                            _ => with_own_arithmetic(arg),
                        }
                    }
                }
                _ => with_own_arithmetic(&mut all.loop_step),
            }
            with_own_arithmetic(&mut all.result);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(with_own_arithmetic),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    with_own_arithmetic(&mut entry.key);
                    with_own_arithmetic(&mut entry.value);
                }
            }
        }
        Expr::Select(select) => with_own_arithmetic(&mut select.operand),
        _ => {}
    }
}

/// Whether a step of a comprehension appends to what it gathers.
fn is_append(gathered: &str, step: &cel::common::ast::CallExpr) -> bool {
    let is_it = |expr: &Expr| matches!(expr, Expr::Ident(name) if name == gathered);
    step.func_name == operators::ADD && step.args.first().is_some_and(|first| is_it(&first.expr))
}
