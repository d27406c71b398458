/* Mode D, participant-decided, for spin: what "When the members decide" of docs/protocol.md says of
 * several members. There are no readers on such a list. The words are those of docs/protocol.md.
 *
 * THE RULE. A transaction is committed from the moment when the PREPARED record of every listed
 * member is durable. Nobody decides; everybody only finds out. Two facts about a member never
 * change once they are true, so that they may be told late, twice, and by anybody:
 *     YES   its PREPARED is durable (it is prepared or committed)
 *     NO    it has refused, and will never prepare the transaction: a tombstone says so as long as
 *           it runs, and its incarnation, which PREPARE names, after a restart
 * All YES is committed, one NO is aborted, anything else is open. PREVENT asks a member for its fact
 * and makes it have one: who has not prepared answers NO and leaves a tombstone.
 *
 * THE COORDINATOR forces nothing. All YES: it tells the client, sends COMMIT, and writes that down
 * lazily. A NO: ABORT. A timeout: PREVENT to those that have not voted; it never aborts alone. A
 * YES of a member that has restarted counts (what its operations gave is lost, the commit is not).
 * After a restart it either has the COMMIT record, or knows nothing of the transaction, and may not
 * presume anything: it does not answer those in doubt, and asks every member with PREVENT on the word
 * of the client. There one COMMITTED suffices: that member has found out. FORGOTTEN is aborted as
 * long as this start has not itself called the epoch finished; UNKNOWN else.
 *
 * A MEMBER in doubt is a resolver like the coordinator: it sends PREVENT to the others, and does
 * not acknowledge what it has found out itself before a COMMIT comes.
 *
 * FORGETTING. What is committed may go when COMMITTED is durable at every member, what is aborted
 * at once. A coordinator that began the transaction knows by the acknowledgements. A later start
 * moves the mark of older epochs when every member has welcomed it (so none can prepare any more)
 * and has said that nothing of them is in doubt there and all COMMITTED records are durable. Below
 * the mark a member without the transaction says NO to a member in doubt, for then it was aborted,
 * and FORGOTTEN to a coordinator, whose client hears UNKNOWN.
 *
 * The network is a set, as in mode_a.pml: unbounded loss, duplication, delay, reordering.
 *
 * Settings (-D): N, C_CRASHES, P_CRASHES; ONE_SHOT or else interactive; OLD_PROCESS (the process of
 * an older start lives on). Mistakes: BUG_... */
#ifndef N
#define N 2
#endif
#ifndef C_CRASHES
#define C_CRASHES 1
#endif
#ifndef P_CRASHES
#define P_CRASHES 1
#endif
#ifdef OLD_PROCESS
#define COORDINATORS 2
#else
#define COORDINATORS 1
#endif

#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define ALL (BIT(N) - 1)

/* A member's transaction. */
#define NONE 0
#define WORKING 1
#define PREPARING 2
#define PREPARED 3
#define COMMITTED 4
#define TOMB 5
#define ABORTED 6 /* in the log alone */

/* A coordinator's transaction. UNKNOWN: of an older epoch, nothing is known, it can be resolved. */
#define UNKNOWN 0
#define COLLECTING 1
#define FOUND_COMMITTED 2
#define FOUND_ABORTED 3
#define GONE 4 /* fenced or dead */
#define TOLD_UNKNOWN 5 /* FORGOTTEN, and this start may have let it be so */

byte p_now[N], p_log[N];
byte epoch_now[N], epoch_log[N];
bit mark_now[N], mark_log[N];
byte inc[N];

/* 0 is the newest start, 1 an older one that still runs. */
byte c_now[COORDINATORS], c_epoch[COORDINATORS];
byte c_acks[COORDINATORS];  /* members whose COMMITTED is durable */
byte c_clear[COORDINATORS]; /* members that welcomed it and have nothing open of older epochs */
byte newest = 1;
/* The coordinator's log, which an older start does not have any more: COMMIT and END are lazy. */
#define LOG_NOTHING 0
#define LOG_COMMIT 1
#define LOG_END 2
byte c_log;
bit forgot; /* the retention was over: the coordinator knows no more of what has committed */
bit called; /* a later start has called the epoch finished, which its log says */

/* The network. YES, NO and ACK: the members that have said so. PREVENT and PREPARE are always under
 * way: who sends them needs no permission. */
byte n_yes, n_no, n_ack;
byte n_committed;              /* STATE COMMITTED: a YES that says what became of it */
byte n_forgotten;              /* FORGOTTEN: nothing is known below the mark; for coordinators */
byte n_no_below;               /* NO below the mark: for members in doubt */
byte n_commit, n_abort, n_forget, n_fenced; /* epochs of their senders */

byte c_crashes, p_crashes;
bit copied, healed;
bit told_committed, told_aborted, some_committed, some_undone;
byte ready;   /* PREPARED is, or was, durable: what the rule speaks of */
byte over;    /* ended here: nothing may run again */
byte settled; /* COMMITTED is, or was, durable */

/* Of loops alone. Breadth-first search, for the shortest counter-example, takes none that is
 * hidden from the state. */
#ifdef SHORTEST
byte i, j, r;
#else
hidden byte i, j, r;
#endif

#define CHECK                                                                                  \
    assert(!some_committed || ready == ALL);                                                   \
    assert(!told_committed || ready == ALL);                                                   \
    assert(!(some_undone && ready == ALL));                                                    \
    assert(!(told_aborted && ready == ALL));                                                   \
    assert(!((some_committed || told_committed) && (some_undone || told_aborted)))

/* ---- members ---- */

inline bury(p)
{
#ifdef BUG_NO_TOMBSTONE
    p_now[p] = NONE;
#else
    p_now[p] = (mark_now[p] -> NONE : TOMB);
#endif
    some_undone = 1;
    over = over | BIT(p);
    CHECK
}

inline commit_here(p)
{
    p_now[p] = COMMITTED;
    some_committed = 1;
    over = over | BIT(p);
    CHECK
}

#define INTRODUCED(p, e) (epoch_now[p] == (e) && epoch_log[p] == (e))

#define CAN_HELLO(p, e) ((e) > epoch_now[p])
inline on_hello(p, e)
{
    printf("member %d: HELLO of epoch %d\n", p, e);
    epoch_now[p] = e;
    if
    :: p_now[p] == WORKING -> n_no = n_no | BIT(p); bury(p)
    :: else
    fi
}

#ifdef BUG_NO_INCARNATION_CHECK
#define SAME_START(p) (1)
#else
#define SAME_START(p) (inc[p] == 1)
#endif
#ifdef ONE_SHOT
#define WOULD_PREPARE(p) SAME_START(p)
#define HAS_WORK(p) (!HAS(over, p))
#else
#define WOULD_PREPARE(p) (p_now[p] == WORKING && SAME_START(p))
#define HAS_WORK(p) (p_now[p] == WORKING)
#endif
/* PREPARE is of epoch 1 and names incarnation 1. */
#define CAN_PREPARE(p)                                                                         \
    (INTRODUCED(p, 1) && (p_now[p] == WORKING || (p_now[p] == NONE && !mark_now[p])))
inline on_prepare(p)
{
    printf("member %d: PREPARE\n", p);
    if
    :: WOULD_PREPARE(p) ->
        assert(HAS_WORK(p));
        p_now[p] = PREPARING;
#ifdef BUG_VOTE_BEFORE_DURABLE
        n_yes = n_yes | BIT(p)
#endif
    :: else -> n_no = n_no | BIT(p); bury(p)
    fi
}

#ifdef ONE_SHOT
#define CAN_UNDO(p) (CAN_PREPARE(p) && inc[p] == 1)
#else
#define CAN_UNDO(p) (p_now[p] == WORKING)
#endif
inline undo(p)
{
    printf("member %d: refuses, or undoes on its own\n", p);
    n_no = n_no | BIT(p);
    bury(p)
}

/* PREVENT, of a coordinator or a member in doubt. What is being prepared answers when its record is
 * durable; what is prepared or committed has said YES already. An epoch that is not known here
 * says nothing. */
#define CAN_PREVENT(p)                                                                         \
    (epoch_now[p] == epoch_log[p] &&                                                           \
     ((p_now[p] == NONE && mark_now[p] && !HAS(n_no_below, p)) ||                              \
      (p_now[p] == NONE && !mark_now[p]) || p_now[p] == WORKING ||                             \
      (p_now[p] == TOMB && !HAS(n_no, p)) ||                                                   \
      (p_now[p] == PREPARED && !HAS(n_yes, p)) ||                                              \
      (p_now[p] == COMMITTED && !(HAS(n_yes, p) && HAS(n_committed, p)))))
inline on_prevent(p)
{
    printf("member %d: PREVENT\n", p);
    if
    :: p_now[p] == PREPARED -> n_yes = n_yes | BIT(p)
    :: p_now[p] == COMMITTED -> n_yes = n_yes | BIT(p); n_committed = n_committed | BIT(p)
    :: p_now[p] == NONE && mark_now[p] ->
        n_no_below = n_no_below | BIT(p);
        n_forgotten = n_forgotten | BIT(p)
    :: else ->
        n_no = n_no | BIT(p);
        bury(p)
    fi
}

#define CAN_COMMIT(p, e)                                                                       \
    (HAS(n_commit, e) && INTRODUCED(p, e) && p_now[p] != PREPARING &&                          \
     !(p_now[p] == COMMITTED && (p_log[p] != COMMITTED || HAS(n_ack, p))) &&                   \
     !(p_now[p] == NONE && mark_now[p] && HAS(n_ack, p)))
inline on_commit(p, e)
{
    printf("member %d: COMMIT of epoch %d\n", p, e);
    if
    :: p_now[p] == PREPARED -> commit_here(p)
    :: p_now[p] == COMMITTED || mark_now[p] -> n_ack = n_ack | BIT(p)
    :: else -> printf("ALARM: COMMIT of what is not known here\n"); assert(false)
    fi
}

#define CAN_ABORT(p, e)                                                                        \
    (HAS(n_abort, e) && INTRODUCED(p, e) && ((p_now[p] == NONE && !mark_now[p]) ||             \
     p_now[p] == WORKING || p_now[p] == PREPARED || p_now[p] == COMMITTED))
inline on_abort(p, e)
{
    printf("member %d: ABORT of epoch %d\n", p, e);
    if
    :: p_now[p] == COMMITTED -> printf("ALARM: ABORT of what is committed\n"); assert(false)
    :: else -> bury(p)
    fi
}

/* A member in doubt has heard from every other, or NO from one. */
#define OTHERS(p) (ALL & ~BIT(p))
#ifdef BUG_YES_OF_SOME
#define ALL_YES(p) ((n_yes & OTHERS(p)) != 0)
#else
#define ALL_YES(p) ((n_yes & OTHERS(p)) == OTHERS(p))
#endif
#define CAN_FIND_COMMIT(p) (p_now[p] == PREPARED && (ALL_YES(p) || (n_committed & OTHERS(p)) != 0))
#define CAN_FIND_ABORT(p) (p_now[p] == PREPARED && ((n_no | n_no_below) & OTHERS(p)) != 0)
inline find_commit(p)
{
    printf("member %d: all are prepared: committed\n", p);
    commit_here(p)
}
inline find_abort(p)
{
    printf("member %d: another says NO: aborted\n", p);
    bury(p)
}

inline forget_ended(p)
{
    if
    :: mark_now[p] && p_now[p] == COMMITTED && p_log[p] == COMMITTED -> p_now[p] = NONE
    :: else
    fi
}

#define CAN_FORGET(p, e) (HAS(n_forget, e) && INTRODUCED(p, e) && !mark_now[p])
inline on_forget(p, e)
{
    printf("member %d: FORGET of epoch %d\n", p, e);
    mark_now[p] = 1;
    forget_ended(p);
    if
    :: p_now[p] == TOMB -> p_now[p] = NONE
    :: p_now[p] == WORKING -> bury(p)
    :: else
    fi
}

#define CAN_FLUSH(p)                                                                           \
    (epoch_log[p] != epoch_now[p] || mark_log[p] != mark_now[p] || p_now[p] == PREPARING ||    \
     (p_now[p] == COMMITTED && p_log[p] != COMMITTED) ||                                       \
     ((p_now[p] == TOMB || p_now[p] == NONE) && p_log[p] == PREPARED))
inline flush(p)
{
    printf("member %d: its log is durable\n", p);
    epoch_log[p] = epoch_now[p];
    mark_log[p] = mark_now[p];
    if
    :: p_now[p] == PREPARING ->
        p_now[p] = PREPARED;
        p_log[p] = PREPARED;
        n_yes = n_yes | BIT(p);
        ready = ready | BIT(p);
        CHECK
    :: p_now[p] == COMMITTED && p_log[p] != COMMITTED ->
        p_log[p] = COMMITTED; /* ACK goes with the next COMMIT, if one ever comes */
        settled = settled | BIT(p)
    :: p_now[p] == TOMB && p_log[p] == PREPARED -> p_log[p] = ABORTED
    :: else
    fi;
    forget_ended(p);
    if
    :: p_now[p] == NONE -> p_log[p] = NONE
    :: else
    fi
}

inline crash(p)
{
    printf("member %d: crashes and restarts, incarnation %d\n", p, inc[p] + 1);
    p_crashes++;
    inc[p] = inc[p] + 1;
    epoch_now[p] = epoch_log[p];
    mark_now[p] = mark_log[p];
    if
    :: p_log[p] == ABORTED -> p_now[p] = (mark_now[p] -> NONE : TOMB)
    :: else -> p_now[p] = p_log[p]
    fi;
    forget_ended(p)
}

proctype member(byte p) provided (!healed)
{
end:
    do
    :: d_step { CAN_HELLO(p, newest) -> on_hello(p, newest) }
    :: d_step { newest > 2 && CAN_HELLO(p, 2) -> on_hello(p, 2) }
    :: d_step { CAN_PREPARE(p) -> on_prepare(p) }
    :: d_step { CAN_UNDO(p) -> undo(p) }
    :: d_step { CAN_PREVENT(p) -> on_prevent(p) }
    :: d_step { CAN_COMMIT(p, epoch_now[p]) -> on_commit(p, epoch_now[p]) }
    :: d_step { CAN_ABORT(p, epoch_now[p]) -> on_abort(p, epoch_now[p]) }
    :: d_step { CAN_FIND_COMMIT(p) -> find_commit(p) }
    :: d_step { CAN_FIND_ABORT(p) -> find_abort(p) }
    :: d_step { CAN_FORGET(p, epoch_now[p]) -> on_forget(p, epoch_now[p]) }
    :: d_step { CAN_FLUSH(p) -> flush(p) }
    :: d_step { p_crashes < P_CRASHES -> crash(p) }
#ifdef OLD_PROCESS
    :: d_step { c_now[1] != GONE && c_epoch[1] < epoch_now[p] && !HAS(n_fenced, c_epoch[1]) ->
        printf("member %d: FENCED to epoch %d\n", p, c_epoch[1]);
        n_fenced = n_fenced | BIT(c_epoch[1]) }
#endif
    od
}

/* ---- coordinators ---- */

#define OPEN(c) (c_now[c] == COLLECTING || c_now[c] == UNKNOWN)
#define CAN_SEE_COMMIT(c) (OPEN(c) && (n_yes == ALL || n_committed != 0))
inline see_commit(c)
{
    printf("epoch %d: all members are prepared; the client hears COMMITTED\n", c_epoch[c]);
    c_now[c] = FOUND_COMMITTED;
    n_commit = n_commit | BIT(c_epoch[c]);
    told_committed = 1;
#ifdef BUG_FORGET_BEFORE_ACKS
    n_forget = n_forget | BIT(c_epoch[c]);
#endif
    CHECK
}

#ifdef BUG_FORGOTTEN_IS_ABORTED
#define MAY_BE_COMMITTED (0)
#else
#define MAY_BE_COMMITTED (called || forgot)
#endif
#define CAN_SEE_FORGOTTEN(c) (c_now[c] == UNKNOWN && n_forgotten != 0 && !MAY_BE_COMMITTED)
#define CAN_GIVE_UP(c) (c_now[c] == UNKNOWN && n_forgotten != 0 && MAY_BE_COMMITTED)
#define CAN_SEE_ABORT(c) (OPEN(c) && n_no != 0)
inline see_abort(c)
{
    printf("epoch %d: a member says NO; the client hears ABORTED\n", c_epoch[c]);
    c_now[c] = FOUND_ABORTED;
    n_abort = n_abort | BIT(c_epoch[c]);
    n_forget = n_forget | BIT(c_epoch[c]);
    told_aborted = 1;
    CHECK
}

#ifdef BUG_ABORT_ALONE
#define CAN_ABORT_ALONE(c) (c_now[c] == COLLECTING)
#elif defined(BUG_PRESUME_ABORT)
#define CAN_ABORT_ALONE(c) (c_now[c] == UNKNOWN)
#else
#define CAN_ABORT_ALONE(c) (0)
#endif

/* COMMIT becomes durable some time. The ACK that completes them is noted lazily, too; only when that
 * END is durable is the mark moved. Here in one step: a crash in between is one before it. An older
 * start has lost the log to the next one. */
#define CAN_LOG(c) ((c) == 0 && c_now[c] == FOUND_COMMITTED && c_log == LOG_NOTHING)
#define CAN_DROP(c) ((c) == 0 && c_now[c] == FOUND_COMMITTED && c_log == LOG_END)
#define CAN_ACK(c, p) (c_now[c] == FOUND_COMMITTED && HAS(n_ack, p) && !HAS(c_acks[c], p))
inline on_ack(c, p)
{
    printf("epoch %d: ACK of member %d\n", c_epoch[c], p);
    c_acks[c] = c_acks[c] | BIT(p);
    if
    :: c_acks[c] == ALL && c == 0 ->
        assert(settled == ALL);
        c_log = LOG_END;
        n_forget = n_forget | BIT(c_epoch[c])
    :: else
    fi
}

/* WELCOME of a member that has nothing open of older epochs, as a later start reads it. */
#ifdef BUG_OLD_MARK_UNASKED
#define UNSETTLED(p) (0)
#elif defined(BUG_UNSETTLED_IN_MEMORY)
#define UNSETTLED(p) (p_now[p] == PREPARED || p_now[p] == PREPARING)
#else
#define UNSETTLED(p)                                                                           \
    (p_now[p] == PREPARED || p_now[p] == PREPARING ||                                          \
     (p_now[p] == COMMITTED && p_log[p] != COMMITTED))
#endif
#define CAN_CLEAR(c, p)                                                                        \
    (c_epoch[c] > 1 && c_now[c] != GONE && INTRODUCED(p, c_epoch[c]) && !HAS(c_clear[c], p) && \
     !UNSETTLED(p))
inline on_clear(c, p)
{
    printf("epoch %d: WELCOME of member %d, nothing open there\n", c_epoch[c], p);
    c_clear[c] = c_clear[c] | BIT(p);
    if
    :: c_clear[c] == ALL && c_now[c] == UNKNOWN -> called = 1; n_forget = n_forget | BIT(c_epoch[c])
    :: else
    fi
}

/* Fenced: clients of an open transaction hear UNKNOWN. */
#define CAN_FENCED(c) (HAS(n_fenced, c_epoch[c]) && c_now[c] != GONE)

#define FROM_MEMBER(p)                                                                         \
    :: d_step { CAN_ACK(c, p) -> on_ack(c, p) }                                                \
    :: d_step { CAN_CLEAR(c, p) -> on_clear(c, p) }

proctype coordinator(byte c) provided (!healed)
{
end:
    do
    FROM_MEMBER(0)
    FROM_MEMBER(1)
#if N == 3
    FROM_MEMBER(2)
#endif
    :: d_step { CAN_SEE_COMMIT(c) -> see_commit(c) }
    :: d_step { CAN_LOG(c) -> printf("epoch %d: COMMIT is durable\n", c_epoch[c]);
        c_log = LOG_COMMIT }
    :: d_step { CAN_DROP(c) -> printf("epoch %d: the retention is over\n", c_epoch[c]);
        forgot = 1; c_now[c] = UNKNOWN }
    :: d_step { CAN_SEE_ABORT(c) -> see_abort(c) }
    :: d_step { CAN_SEE_FORGOTTEN(c) -> see_abort(c) }
    :: d_step { CAN_GIVE_UP(c) -> printf("epoch %d: the client hears UNKNOWN\n", c_epoch[c]);
        c_now[c] = TOLD_UNKNOWN }
    :: d_step { CAN_ABORT_ALONE(c) -> see_abort(c) }
    :: d_step { CAN_FENCED(c) -> printf("epoch %d: FENCED\n", c_epoch[c]); c_now[c] = GONE }
    od
}

/* ---- faults, and their end ---- */

inline start()
{
    newest++;
    printf("coordinator: restarts as epoch %d\n", newest);
    c_epoch[0] = newest;
    c_acks[0] = 0;
    if
    :: c_log == LOG_NOTHING || forgot -> c_now[0] = UNKNOWN
    :: else ->
        c_now[0] = FOUND_COMMITTED; /* its COMMIT record says so */
        n_commit = n_commit | BIT(newest);
        if
        :: c_log == LOG_END -> c_acks[0] = ALL
        :: else
        fi
    fi;
    c_clear[0] = 0
}

inline leave_old_process()
{
    printf("epoch %d: goes on beside the next start\n", c_epoch[0]);
    c_now[1] = c_now[0];
    c_epoch[1] = c_epoch[0];
    c_acks[1] = c_acks[0];
    c_clear[1] = c_clear[0];
    copied = 1;
    start()
}

#define DO(can, what)                                                                          \
    if                                                                                         \
    :: can -> what                                                                             \
    :: else                                                                                    \
    fi

inline talk(p)
{
    DO(CAN_HELLO(p, newest), on_hello(p, newest));
    DO(CAN_FLUSH(p), flush(p));
    DO(c_now[0] == COLLECTING && CAN_PREPARE(p), on_prepare(p));
    DO(CAN_FLUSH(p), flush(p));
    DO(CAN_COMMIT(p, newest), on_commit(p, newest));
    DO(CAN_ABORT(p, newest), on_abort(p, newest));
    DO(CAN_FIND_COMMIT(p), find_commit(p));
    DO(CAN_FIND_ABORT(p), find_abort(p));
    DO(CAN_FLUSH(p), flush(p));
    DO(CAN_ACK(0, p), on_ack(0, p));
    DO(CAN_CLEAR(0, p), on_clear(0, p));
    DO(CAN_FORGET(p, newest), on_forget(p, newest));
    DO(CAN_FLUSH(p), flush(p))
}

#define ENDED(p)                                                                               \
    (p_now[p] == NONE && p_log[p] == NONE && mark_log[p] && epoch_log[p] == newest)

/* As in mode_a.pml: from every state, without further faults, everything ends. PREVENT goes out
 * while somebody is in doubt, or the coordinator waits for votes: first the votes get a chance. */
#define ROUNDS 6
inline heal()
{
    printf("---- no more faults ----\n");
    n_yes = 0; n_no = 0; n_no_below = 0; n_ack = 0; n_committed = 0; n_forgotten = 0;
    n_commit = 0; n_abort = 0; n_forget = 0; n_fenced = 0;
    for (r : 1 .. ROUNDS) {
        for (j : 0 .. N - 1) {
            talk(j)
        }
        for (j : 0 .. N - 1) {
            DO(CAN_PREVENT(j), on_prevent(j))
        }
        DO(CAN_SEE_COMMIT(0), see_commit(0));
        DO(CAN_SEE_ABORT(0), see_abort(0));
        DO(c_now[0] == FOUND_COMMITTED, n_commit = BIT(newest));
        DO(c_now[0] == FOUND_ABORTED, n_abort = BIT(newest); n_forget = BIT(newest));
        DO(c_acks[0] == ALL || c_clear[0] == ALL, n_forget = BIT(newest))
    }
    for (j : 0 .. N - 1) {
        assert(ENDED(j))
    }
    assert(!(told_committed || some_committed) || settled == ALL);
    vanish()
}

/* One state for all ends. */
inline vanish()
{
    for (i : 0 .. N - 1) {
        p_now[i] = 0; p_log[i] = 0; epoch_now[i] = 0; epoch_log[i] = 0; mark_now[i] = 0;
        mark_log[i] = 0; inc[i] = 0
    }
    for (i : 0 .. COORDINATORS - 1) {
        c_now[i] = 0; c_epoch[i] = 0; c_acks[i] = 0; c_clear[i] = 0
    }
    newest = 0; c_log = 0; forgot = 0; called = 0; n_yes = 0; n_no = 0; n_no_below = 0; n_ack = 0; n_committed = 0; n_forgotten = 0;
    n_commit = 0; n_abort = 0; n_forget = 0; n_fenced = 0;
    c_crashes = 0; p_crashes = 0; copied = 0; told_committed = 0; told_aborted = 0;
    some_committed = 0; some_undone = 0; ready = 0; over = 0; settled = 0;
    healed = 1
}

init
{
    d_step {
        for (i : 0 .. N - 1) {
#ifndef ONE_SHOT
            p_now[i] = WORKING;
#endif
            inc[i] = 1; epoch_now[i] = 1; epoch_log[i] = 1
        }
        c_now[0] = COLLECTING; c_epoch[0] = 1;
#ifdef OLD_PROCESS
        c_now[1] = GONE
#endif
    }
    atomic {
        run member(0); run member(1);
#if N == 3
        run member(2);
#endif
        run coordinator(0);
#ifdef OLD_PROCESS
        run coordinator(1)
#endif
    }
    do
    :: d_step { c_crashes < C_CRASHES -> c_crashes++; start() }
#ifdef OLD_PROCESS
    :: d_step { c_crashes < C_CRASHES && !copied -> c_crashes++; leave_old_process() }
#endif
    :: d_step { heal() } ; break
    od
}
