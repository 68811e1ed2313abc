/*
 * The retry machine and all that can happen to it, as a model for SPIN.
 *
 * It is there to be compared with `sim explore --alike`: one step of this model is one decision of
 * the explorer, and one state here is one state there. `compare` checks that the counts agree.
 *
 *   spin -a -DREQUESTS=1 -DMAX_ATTEMPTS=1 -DBREADTH_FIRST retry.pml
 *   gcc -O2 -DSAFETY -DNOREDUCE -DBFS -o pan pan.c && ./pan
 *
 * Parameters, each by -D, as of `sim explore`:
 *
 *   REQUESTS       --requests      1 to 4 requests that are alike but for their ids
 *   MAX_ATTEMPTS   --max-attempts  1 to 6
 *   DUPLICATES     --duplicates    messages and timers that are sent twice
 *   DROPS          --drops         messages that are dropped, and perhaps redelivered
 *   CRASHES        --crashes       crashes, at any point of an event's arrival
 *
 * and these:
 *
 *   BREADTH_FIRST  for a pan that is compiled with -DBFS
 *   BUG            a planted bug: the attempt limit is off by one
 *   TELL           `spin -t` then says the decisions of a trail in words. Give it to both commands.
 *   TWINS_ONCE     of plan instances that are equal only one may take a step. The explorer offers
 *                  a move for each of them; the states are the same.
 *   NO_NOW         virtual time is left out of the state: fewer states than the explorer has
 *
 * What this model leaves out: bytes (schemas, CBOR, hashes of intents, payloads, ids as texts),
 * the wasm, the capability gate, the journal (a recovery here is correct by definition), spurious
 * events and second starts.
 */

#ifndef REQUESTS
#define REQUESTS 1
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 1
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif
#ifndef DROPS
#define DROPS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

#if REQUESTS < 1 || REQUESTS > 4
#error "REQUESTS is 1 to 4: see FOR_EACH_REQUEST"
#endif
#if MAX_ATTEMPTS < 1 || MAX_ATTEMPTS > 6
#error "MAX_ATTEMPTS is 1 to 6: see FOR_EACH_WAIT"
#endif

/* The attempt after which the machine gives up, and how many waits a request may come to. */
#ifdef BUG
#define LAST_ATTEMPT (MAX_ATTEMPTS + 1)
#define WAITS MAX_ATTEMPTS
#else
#define LAST_ATTEMPT MAX_ATTEMPTS
#define WAITS (MAX_ATTEMPTS - 1)
#endif

/*
 * Promela has no choice over an index within one step, so each index is an option of its own. These
 * apply a macro to each request, wait or plan instance.
 */

#if REQUESTS > 3
#define FOR_EACH_REQUEST(M) M(0) M(1) M(2) M(3)
#elif REQUESTS > 2
#define FOR_EACH_REQUEST(M) M(0) M(1) M(2)
#elif REQUESTS > 1
#define FOR_EACH_REQUEST(M) M(0) M(1)
#else
#define FOR_EACH_REQUEST(M) M(0)
#endif

#if WAITS > 5
#define FOR_EACH_WAIT(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5) M(r, 6)
#elif WAITS > 4
#define FOR_EACH_WAIT(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5)
#elif WAITS > 3
#define FOR_EACH_WAIT(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4)
#elif WAITS > 2
#define FOR_EACH_WAIT(M, r) M(r, 1) M(r, 2) M(r, 3)
#elif WAITS > 1
#define FOR_EACH_WAIT(M, r) M(r, 1) M(r, 2)
#elif WAITS > 0
#define FOR_EACH_WAIT(M, r) M(r, 1)
#else
#define FOR_EACH_WAIT(M, r)
#endif

/* At most so many plan instances of a request are alive: one for each WorkRequested and copy. */
#ifdef TWINS_ONCE
#define PLANS 1
#else
#define PLANS (MAX_ATTEMPTS + DUPLICATES)
#endif
#if PLANS > 8
#error "MAX_ATTEMPTS and DUPLICATES are 8 together at most: see FOR_EACH_PLAN"
#elif PLANS > 7
#define FOR_EACH_PLAN(M, r) \
    M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5) M(r, 6) M(r, 7) M(r, 8)
#elif PLANS > 6
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5) M(r, 6) M(r, 7)
#elif PLANS > 5
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5) M(r, 6)
#elif PLANS > 4
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4) M(r, 5)
#elif PLANS > 3
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2) M(r, 3) M(r, 4)
#elif PLANS > 2
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2) M(r, 3)
#elif PLANS > 1
#define FOR_EACH_PLAN(M, r) M(r, 1) M(r, 2)
#else
#define FOR_EACH_PLAN(M, r) M(r, 1)
#endif

/*
 * 1. The reducer's state, `demo/RetryState@1`. There is one cell, which all requests share: a start
 * that comes while another request is under way is ignored. max_attempts, base_delay_ms, anchor_ns
 * and payload never change here, so they are not in the state.
 */

#define IDLE    0
#define WORKING 1
#define BACKOFF 2
#define DONE    3
#define FAILED  4
#define IS_END(p) ((p) == DONE || (p) == FAILED)

byte phase = IDLE;
byte attempt;
byte req_id;                    /* the request that the cell is about, from 0 */

/*
 * 2. What the invariants remember of the request under way: `History` in
 * reducer/model/src/properties/history.rs. It is a part of the explorer's state, so it is of this
 * one. It tells two states apart that the reducer does not: whether a request was Done during a
 * wait, and whether the timer of that wait has fired since.
 */

byte requested;                 /* WorkRequested events so far */
byte timers_set;
byte timers_fired;              /* those that were awaited when they fired */

/*
 * 3. What is in flight, as multisets: how many there are of each thing. Two messages are equal if
 * their bytes are, and nothing in them says which attempt they belong to.
 */

#define WORK      0             /* demo/WorkRequested@1 */
#define OK        1             /* the three answers of the work */
#define TRANSIENT 2
#define TERMINAL  3
#define KINDS     4

#define MESSAGE(r, kind) ((r) * KINDS + (kind))
byte sent[REQUESTS * KINDS];
#if DROPS
byte dropped[REQUESTS * KINDS];
#endif

/* Instances of WorkPlan: at its raise, where the answer is chosen, and at its end. */
byte raising[REQUESTS];
byte ending[REQUESTS];

/*
 * Timers, one slot for each request and wait: 2 for each time that the adapter has it, and 1 if the
 * kernel's intent is still open, that is, has had no receipt.
 */
#define TIMER(r, k) ((r) * WAITS + (k) - 1)
#define OPEN 1
#define EACH 2
#if MAX_ATTEMPTS > 1 || defined BUG
#define SLOTS (REQUESTS * WAITS)
byte timer[SLOTS];
#endif

/*
 * 4. Virtual time, in units of the base delay. All requests are anchored at 0, so the k-th wait
 * ends at 2^(k-1). A timer that fires sets the time to when it is due, but never back.
 */

#define DUE(k) (1 << ((k) - 1))
#ifndef NO_NOW
byte time;
#define PASS(k) if :: time < DUE(k) -> time = DUE(k) :: else fi
#else
#define PASS(k) skip
#endif

/* 5. What has been used up of the bounds. */

byte started;                   /* requests; the next one is started only after those before it */
#if DUPLICATES
byte duplicates;
#endif
#if DROPS
byte drops;
#endif
#if CRASHES
byte crashes;
#endif

/*
 * 6. Not a part of the state: written and read within one step. SPIN has `hidden` for this, but not
 * in breadth-first searches; there they are part of its vector, and always 0 between steps.
 */

#ifdef BREADTH_FIRST
#define SCRATCH byte
#else
#define SCRATCH hidden byte
#endif
SCRATCH was_phase, was_attempt, was_req_id;
SCRATCH work_out;               /* WorkRequested events that the step gave out */
SCRATCH wait_out;               /* the wait whose timer it set, 0 if none */
SCRATCH is_awaited;             /* the event is the timer that the request waits for */
SCRATCH i;

inline forget()
{
#ifdef BREADTH_FIRST
    was_phase = 0;
    was_attempt = 0;
    was_req_id = 0;
    work_out = 0;
    wait_out = 0;
    is_awaited = 0
#else
    skip
#endif
}

/*
 * The reducer: `react` in reducer/src/machine.rs, arm by arm.
 */

inline begin_attempt(r, n)
{
    phase = WORKING;
    attempt = n;
    sent[MESSAGE(r, WORK)]++;
    work_out++
}

inline on_start(r)
{
    if
    :: phase == IDLE || (IS_END(phase) && req_id != r) ->
        req_id = r;
        begin_attempt(r, 1)
    :: else                     /* a request is under way, or it is the one that has ended */
    fi
}

inline on_ok(r)
{
    if
    :: (phase == WORKING || phase == BACKOFF) && req_id == r -> phase = DONE
    :: else
    fi
}

inline on_err(r, is_transient)
{
    if
    :: phase != WORKING || req_id != r                  /* late, twice, or another's */
    :: else ->
        if
        :: !is_transient || attempt >= LAST_ATTEMPT -> phase = FAILED
        :: else ->
            phase = BACKOFF;
            wait_out = attempt;
#if WAITS > 0
            timer[TIMER(r, attempt)] = timer[TIMER(r, attempt)] + EACH + OPEN
#endif
        fi
    fi
}

/* Whatever the status of the receipt. That it is the k-th wait, its time tells. */
inline on_timer(r, k)
{
    if
    :: phase == BACKOFF && req_id == r && attempt == k -> begin_attempt(r, k + 1)
    :: else
    fi
}

/*
 * The invariants, around each event that the reducer gets. In brackets: those of the project.
 */

inline before_event()
{
    was_phase = phase;
    was_attempt = attempt;
    was_req_id = req_id;
    work_out = 0;
    wait_out = 0;
    is_awaited = 0
}

inline after_event()
{
    if
    :: phase == WORKING && (was_phase == IDLE || IS_END(was_phase)) ->
        requested = 0;                                  /* a start was accepted */
        timers_set = 0;
        timers_fired = 0
    :: else ->
        /* [terminal_absorbing] what has ended stays as it ended, and asks for nothing */
        assert(!IS_END(was_phase) || (phase == was_phase && attempt == was_attempt &&
            req_id == was_req_id && work_out == 0 && wait_out == 0))
    fi;
    timers_fired = timers_fired + is_awaited;
    requested = requested + work_out;
    /* [attempts_bounded] no attempt too many, and no wait for one */
    assert(requested <= MAX_ATTEMPTS);
    assert(IS_END(phase) || attempt == requested);
    assert(wait_out == 0 || requested < MAX_ATTEMPTS);
    /* [retry_waits] attempt n only after n - 1 timers that were awaited */
    assert(work_out == 0 || timers_fired >= requested - 1);
    /* [one_timer], [backoff_exact] one timer at a time, and the n-th is for the n-th wait */
    assert(wait_out == 0 || (timers_set == timers_fired && wait_out == timers_set + 1));
    timers_set = timers_set + (wait_out > 0);
    forget()
}

/* [outcome_justified] */
inline after_answer(r, kind)
{
    assert(phase == was_phase || phase != DONE || (kind == OK && req_id == r));
    assert(phase == was_phase || phase != FAILED || (req_id == r &&
        (kind == TERMINAL || (kind == TRANSIENT && requested >= MAX_ATTEMPTS))));
    after_event()
}

/* [converges] when nothing is left in flight, the request whose start was accepted has ended */
#define SUM(a, r) (a[MESSAGE(r, WORK)] + a[MESSAGE(r, OK)] + \
    a[MESSAGE(r, TRANSIENT)] + a[MESSAGE(r, TERMINAL)])
#if DROPS
#define DROPPED(r) + SUM(dropped, r)
#else
#define DROPPED(r)
#endif
#define TIMES_SET(r, k) + timer[TIMER(r, k)]
#define IN_FLIGHT(r) + SUM(sent, r) + raising[r] + ending[r] DROPPED(r) \
    FOR_EACH_WAIT(TIMES_SET, r)

inline converged()
{
    assert(phase == IDLE || IS_END(phase) || 0 FOR_EACH_REQUEST(IN_FLIGHT) > 0)
}

/*
 * What an event does once it arrives: one of these for each kind.
 */

inline arrive_start(r) { before_event(); on_start(r); after_event() }

inline arrive_message(r, kind)
{
    if
    :: kind == WORK -> raising[r]++                     /* the trigger starts a plan */
    :: kind == OK -> before_event(); on_ok(r); after_answer(r, OK)
    :: kind == TRANSIENT -> before_event(); on_err(r, true); after_answer(r, TRANSIENT)
    :: kind == TERMINAL -> before_event(); on_err(r, false); after_answer(r, TERMINAL)
    fi
}

/* The timer's receipt closes the intent when it is journalled, before its event arrives. */
inline take_timer(r, k, stays)
{
    timer[TIMER(r, k)] = (timer[TIMER(r, k)] & ~OPEN) - (stays -> 0 : EACH);
    PASS(k)
}

inline arrive_timer(r, k)
{
    before_event();
    is_awaited = req_id == r && timers_set == k && timers_fired == k - 1;
    on_timer(r, k);
    after_event()
}

/*
 * A crash. The journal brings the kernel back as it was, and every open intent is asked for again.
 * The adapter may have it already: then that timer fires twice.
 */
inline ask_again()
{
#ifdef SLOTS
    i = 0;
    do
    :: i < SLOTS -> timer[i] = timer[i] + ((timer[i] & OPEN) -> EACH : 0); i++
    :: else -> break
    od;
    i = 0                       /* as forget() */
#else
    skip
#endif
}

/*
 * The decisions: each is one option of the loop at the end, and one step of the model. They are
 * those of sim/search/src/explore/alphabet.rs. A thing that can happen to any of several requests,
 * messages or waits is an option for each.
 */

#ifdef TELL
#define TEXT(words) #words
#define SAY(words) printf(TEXT(words\n));
#else
#define SAY(words)
#endif

/*
 * An event arrives: it is taken out of flight, and then whoever listens gets it. A crash on the way
 * comes before the event is journalled, and then whoever sent it still has it; or after that, when
 * nothing has seen it; or before anything that came of it is sent. The last two lead to the same
 * state, for what was not done or not sent is done after the recovery.
 */
#if CRASHES
#define CRASH(words, guard, what) :: d_step { crashes < CRASHES && guard -> \
    SAY(crash words) crashes++; what; converged() }
#else
#define CRASH(words, guard, what)
#endif
#define ARRIVAL(words, guard, take, arrive) \
    :: d_step { guard -> SAY(words) take; arrive; converged() } \
    CRASH(before_append: words, guard, ask_again()) \
    CRASH(after_append: words, guard, take; ask_again(); arrive) \
    CRASH(before_dispatch: words, guard, take; ask_again(); arrive)

/* Starts: of requests that are alike, the next one. */
#define START(r) ARRIVAL(start request r, started == r, started++, arrive_start(r))

/* Messages. Those that are equal are one choice. */
#define DELIVER(r, kind, name) ARRIVAL(deliver name of request r, \
    sent[MESSAGE(r, kind)] > 0, sent[MESSAGE(r, kind)]--, arrive_message(r, kind))

#if DUPLICATES
#define DUPLICATE(r, kind, name) \
    :: d_step { duplicates < DUPLICATES && sent[MESSAGE(r, kind)] > 0 -> \
        SAY(duplicate name of request r) duplicates++; sent[MESSAGE(r, kind)]++ }
#else
#define DUPLICATE(r, kind, name)
#endif

#if DROPS
#define DROP(r, kind, name) \
    :: d_step { drops < DROPS && sent[MESSAGE(r, kind)] > 0 -> SAY(drop name of request r) \
        drops++; sent[MESSAGE(r, kind)]--; dropped[MESSAGE(r, kind)]++ }
#define REDELIVER(r, kind, name) ARRIVAL(redeliver name of request r, \
    dropped[MESSAGE(r, kind)] > 0, dropped[MESSAGE(r, kind)]--, arrive_message(r, kind))
#else
#define DROP(r, kind, name)
#define REDELIVER(r, kind, name)
#endif

#define ONE_KIND(r, kind, name) DELIVER(r, kind, name) DUPLICATE(r, kind, name) \
    DROP(r, kind, name) REDELIVER(r, kind, name)
#define MESSAGES(r) ONE_KIND(r, WORK, WorkRequested) ONE_KIND(r, OK, ok) \
    ONE_KIND(r, TRANSIENT, transient err) ONE_KIND(r, TERMINAL, terminal err)

/*
 * Timers: any that is pending, in any order, when it is due. Its receipt has one of three statuses,
 * which the reducer does not mind: three moves that lead to one state. One that fires twice stays.
 */
#define IS_SET(r, k) (timer[TIMER(r, k)] >= EACH)
#define FAIL(r, k, status) \
    :: d_step { IS_SET(r, k) -> SAY(fire timer k of request r with status) \
        take_timer(r, k, false); arrive_timer(r, k); converged() }
#if DUPLICATES
#define TWICE(r, k) \
    :: d_step { duplicates < DUPLICATES && IS_SET(r, k) -> SAY(fire timer k of request r twice) \
        duplicates++; take_timer(r, k, true); arrive_timer(r, k); converged() }
#else
#define TWICE(r, k)
#endif
#define FIRE(r, k) ARRIVAL(fire timer k of request r, \
        IS_SET(r, k), take_timer(r, k, false), arrive_timer(r, k)) \
    FAIL(r, k, error) FAIL(r, k, timeout) TWICE(r, k)
#define TIMERS(r) FOR_EACH_WAIT(FIRE, r)

/*
 * Plans. The n-th option is there if there are n instances or more: the explorer has a move for
 * each instance, also where they are equal.
 */
#define RAISE(r, n, kind, name) :: d_step { raising[r] >= n -> \
    SAY(step a plan of request r: name) raising[r]--; ending[r]++; sent[MESSAGE(r, kind)]++ }
#define PLAN(r, n) \
    RAISE(r, n, OK, ok) RAISE(r, n, TRANSIENT, transient) RAISE(r, n, TERMINAL, terminal) \
    :: d_step { ending[r] >= n -> SAY(end a plan of request r) ending[r]--; converged() }
#define INSTANCES(r) FOR_EACH_PLAN(PLAN, r)

/* One process, so that no step of its own is added: the loop's head is its only control state. */
active proctype world()
{
end:
    do
    FOR_EACH_REQUEST(START)
    FOR_EACH_REQUEST(MESSAGES)
    FOR_EACH_REQUEST(TIMERS)
    FOR_EACH_REQUEST(INSTANCES)
    od
}
