/* Mode A, the commit protocol of docs/protocol.md, for spin: one transaction, N members, one
 * coordinator, presumed abort, forced and lazy records, fences, inquiry and forgetting.
 *
 * The network is a set. What was sent stays in it for ever and may be received any number of times,
 * in any order, or never: loss, duplication, delay and reordering are without bounds, and a bit
 * for each message is all that a state needs. Crashes are bounded by the settings below.
 *
 * A node that crashes is back in the same step: to be down and to be slow is the same to others.
 * Every node has what it knows (`_now`) and what its log would give back (`_log`). "flush" makes
 * all that was appended durable; what rests on it leaves then and no earlier.
 *
 * README.md in this folder says what is left out, and why.
 *
 * Settings (-D): N members; C_CRASHES, P_CRASHES; ONE_SHOT (PREPARE brings the operations) or else
 * interactive; READERS (mask of the members that only read); OLD_PROCESS (a restart leaves the old
 * process running without its disk); RESTORE (the coordinator comes back once with the disk of its
 * first start: 1, when every member knows more than that disk; 2, at any time; 3, when at least one
 * knows more); OLD_DISK (a member
 * comes back with a disk from before it had prepared: 1, members do not answer one another; 2, they
 * do, and the disk was copied where the coordinator knew the member at PREPARE, or later, so that
 * nothing denies it; 3, they do, and it was copied before that).
 * Mistakes: BUG_..., each at its place in the text. */
#ifndef N
#define N 2
#endif
#ifndef C_CRASHES
#define C_CRASHES 1
#endif
#ifndef P_CRASHES
#define P_CRASHES 1
#endif
#ifndef READERS
#define READERS 0
#endif
#ifdef OLD_PROCESS
#define COORDINATORS 2
#else
#define COORDINATORS 1
#endif

#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define ALL (BIT(N) - 1)
#define WRITERS (ALL & ~READERS)
#define WRITES(p) (HAS(WRITERS, p))

/* A participant's transaction. TOMB: refused or undone, and remembered; OUT: a reader dropped out. */
#define NONE 0
#define WORKING 1
#define PREPARING 2
#define PREPARED 3
#define COMMITTED 4
#define TOMB 5
#define OUT 6
#define ABORTED 7 /* in the log alone */

/* A coordinator's transaction. UNKNOWN: no record and no memory of it. ENDING: all have
 * acknowledged, END is not durable. GONE: fenced or dead, not to be heard of again. */
#define UNKNOWN 0
#define COLLECTING 1
#define DECIDING 2
#define DECIDED 3
#define ENDING 4
#define FIN_COMMITTED 5
#define FIN_ABORTED 6
#define GONE 7

/* ---- participants ---- */
byte p_now[N], p_log[N];       /* the transaction */
byte epoch_now[N], epoch_log[N];
bit mark_now[N], mark_log[N];  /* the mark covers the transaction */
byte inc[N];                   /* incarnation */
bit place_now[N], place_log[N]; /* knows a log position of the coordinator that holds COMMIT */
bit old_disk[N];

/* ---- coordinators: 0 is the newest start, 1 an older one whose process still runs ---- */
byte c_now[COORDINATORS], c_epoch[COORDINATORS];
byte c_yes[COORDINATORS], c_out[COORDINATORS], c_acks[COORDINATORS]; /* sets of members */
byte c_inc[COORDINATORS * N]; /* the incarnation that has welcomed it; 0 none */
#define C_INC(c, p) c_inc[(c) * N + (p)]
bit k_commit, k_end, k_evicted, k_fenced; /* the disk of coordinator 0 */
byte newest = 1; /* epoch: its START is durable, its HELLO is out */
byte restored;   /* epoch of the start from the old disk; 0 none */

/* ---- the network. Of a coordinator: sets of sender's epochs. Of a member: sets of
 * incarnations, or a set of members. ---- */
byte n_commit, n_abort, n_forget, n_fenced;
byte n_yes[N], n_no[N], n_out[N], n_ack[N];
byte n_inquire[N];     /* it was in doubt in this incarnation, and asked */
byte n_state_no, n_state_committed;

/* ---- bounds, and what the properties speak of ---- */
byte c_crashes, p_crashes;
bit copied;
bit healed;
bit told_committed, told_aborted;
bit some_committed, some_undone; /* among the members that write */
byte over;    /* members where it has ended: nothing may run there again */
byte settled; /* members where COMMITTED is, or was before it was forgotten, durable */

/* Of loops alone. Breadth-first search, for the shortest counter-example, takes none that is
 * hidden from the state. */
#ifdef SHORTEST
byte i, j, r;
#else
hidden byte i, j, r;
#endif

/* ---- properties ---- */

/* Atomicity, also against what the client was told; said in one place and checked with every
 * change of what it speaks of. */
#define CHECK                                                                                  \
    assert(!(some_committed && some_undone));                                                  \
    assert(!(told_committed && told_aborted));                                                 \
    assert(!(told_committed && some_undone));                                                  \
    assert(!(told_aborted && some_committed))

/* A cell of the tables that only a bug or an old disk reaches. */
#define ALARM(text, p)                                                                         \
    printf(text);                                                                              \
    assert(old_disk[p])

inline note_committed(p)
{
    some_committed = 1;
    over = over | BIT(p);
    CHECK
}

inline note_undone(p)
{
    some_undone = some_undone || (WRITES(p) && !old_disk[p]);
    over = over | BIT(p);
    CHECK
}

/* ---- a member ---- */

/* Refused, undone or aborted here. Below the mark no tombstone is needed. */
inline bury(p)
{
    p_now[p] = (mark_now[p] -> NONE : TOMB);
    note_undone(p)
}

inline commit_here(p)
{
    p_now[p] = COMMITTED;
    note_committed(p)
}

#define INTRODUCED(p, e) (epoch_now[p] == (e) && epoch_log[p] == (e))

/* HELLO of epoch e. The restored start has a number above all others; its lineage lacks what
 * the original has done since its disk was copied. */
#ifdef BUG_LINEAGE_NOT_COMPARED
#define DENIED(p, e) ((e) < epoch_now[p])
#else
#define DENIED(p, e)                                                                           \
    ((e) < epoch_now[p] || (restored != 0 && (e) >= restored && epoch_now[p] < restored &&     \
                            (epoch_now[p] > 1 || place_now[p])))
#endif
#define CAN_HELLO(p, e) ((e) > epoch_now[p] || (DENIED(p, e) && !HAS(n_fenced, e)))
inline on_hello(p, e)
{
    printf("member %d: HELLO of epoch %d\n", p, e);
    if
#ifndef BUG_ANSWER_AFTER_FENCE
    :: DENIED(p, e) -> n_fenced = n_fenced | BIT(e)
#endif
    :: else ->
        epoch_now[p] = e;
        if
        :: p_now[p] == WORKING -> bury(p)
        :: else
        fi
    fi
}

/* PREPARE is of epoch 1, and names incarnation 1 of everybody. */
#define CAN_PREPARE(p)                                                                         \
    (INTRODUCED(p, 1) && (CAN_PREPARE_NEW(p) || CAN_PREPARE_AGAIN(p)))
#define CAN_PREPARE_AGAIN(p) (p_now[p] == PREPARED && !HAS(n_yes[p], inc[p]))
#ifdef BUG_PREPARE_AFTER_COMMIT
#define CAN_PREPARE_NEW(p)                                                                     \
    (p_now[p] == WORKING || p_now[p] == NONE || (p_now[p] == COMMITTED && p_log[p] == COMMITTED))
#else
#define CAN_PREPARE_NEW(p) (p_now[p] == WORKING || (p_now[p] == NONE && !mark_now[p]))
#endif

/* Two-phase locking keeps the readers of a one-shot to the end. */
#ifdef ONE_SHOT
#define DROPS_OUT(p) (0)
#else
#define DROPS_OUT(p) (!WRITES(p))
#endif

#ifdef BUG_NO_INCARNATION_CHECK
#define SAME_START(p) (1)
#else
#define SAME_START(p) (inc[p] == 1)
#endif
#ifdef ONE_SHOT
#define HAS_WORK(p) (!HAS(over, p)) /* brought along, and must never run again */
#define WOULD_PREPARE(p) SAME_START(p)
#else
#define HAS_WORK(p) (p_now[p] == WORKING)
#ifdef BUG_NO_INCARNATION_CHECK
#define WOULD_PREPARE(p) (1)
#else
#define WOULD_PREPARE(p) (p_now[p] == WORKING && SAME_START(p))
#endif
#endif
inline on_prepare(p)
{
    printf("member %d: PREPARE\n", p);
    if
    :: CAN_PREPARE_AGAIN(p) -> n_yes[p] = n_yes[p] | BIT(inc[p])
    :: else ->
        if
        :: WOULD_PREPARE(p) ->
            assert(HAS_WORK(p));
            if
            :: DROPS_OUT(p) -> p_now[p] = OUT; n_out[p] = n_out[p] | BIT(inc[p])
            :: else -> p_now[p] = PREPARING
            fi;
#ifdef BUG_VOTE_BEFORE_DURABLE
            n_yes[p] = n_yes[p] | BIT(inc[p])
#endif
        :: else -> n_no[p] = n_no[p] | BIT(inc[p]); bury(p)
        fi
    fi
}

/* The vote again from the memory of it. */
#define CAN_REPEAT(p)                                                                          \
    (INTRODUCED(p, 1) && ((p_now[p] == TOMB && !HAS(n_no[p], inc[p])) ||                       \
                          (p_now[p] == OUT && !HAS(n_out[p], inc[p]))))
inline on_repeat(p)
{
    printf("member %d: PREPARE again, same vote\n", p);
    if
    :: p_now[p] == TOMB -> n_no[p] = n_no[p] | BIT(inc[p])
    :: else -> n_out[p] = n_out[p] | BIT(inc[p])
    fi
}

/* Wound, lock timeout, refusal: whatever makes it undo before it has promised anything. */
#ifdef ONE_SHOT
#define CAN_UNDO(p) (INTRODUCED(p, 1) && p_now[p] == NONE && !mark_now[p] && inc[p] == 1)
#else
#define CAN_UNDO(p) (p_now[p] == WORKING)
#endif
inline undo(p)
{
    printf("member %d: undoes on its own\n", p);
    n_no[p] = n_no[p] | BIT(inc[p]);
    bury(p)
}

#define CAN_COMMIT(p, e)                                                                       \
    (HAS(n_commit, e) && WRITES(p) && INTRODUCED(p, e) && p_now[p] != PREPARING &&             \
     !(p_now[p] == COMMITTED && (p_log[p] != COMMITTED || HAS(n_ack[p], inc[p]))) &&           \
     !(p_now[p] == NONE && mark_now[p] && HAS(n_ack[p], inc[p])) &&                            \
     !(p_now[p] != PREPARED && p_now[p] != COMMITTED && old_disk[p] && HAS(n_ack[p], inc[p])))
inline on_commit(p, e)
{
    printf("member %d: COMMIT of epoch %d\n", p, e);
    if
    :: p_now[p] == PREPARED ->
        commit_here(p);
#ifdef RESTORE
        place_now[p] = 1; /* RESTORE copies the disk of the first start: before COMMIT */
#endif
#ifdef BUG_ACK_BEFORE_DURABLE
        n_ack[p] = n_ack[p] | BIT(inc[p])
#endif
    :: p_now[p] == COMMITTED || mark_now[p] -> n_ack[p] = n_ack[p] | BIT(inc[p])
    :: else ->
#ifdef BUG_NOT_FOUND_IS_SUCCESS
        n_ack[p] = n_ack[p] | BIT(inc[p])
#else
        ALARM("ALARM: COMMIT of what is not known here\n", p)
#endif
    fi
}

#define CAN_ABORT(p, e)                                                                        \
    (HAS(n_abort, e) && INTRODUCED(p, e) && ((p_now[p] == NONE && !mark_now[p]) ||             \
     p_now[p] == WORKING || p_now[p] == PREPARED || p_now[p] == COMMITTED))
inline on_abort(p, e)
{
    printf("member %d: ABORT of epoch %d\n", p, e);
    if
    :: p_now[p] == COMMITTED && (k_evicted || restored > 0) -> printf("member %d: says that it has committed\n", p)
    :: p_now[p] == COMMITTED && !(k_evicted || restored > 0) ->
        /* whoever has forgotten no commit knows that there is none; an old disk is to alarm */
        ALARM("ALARM: ABORT of what is committed here\n", p)
    :: else -> bury(p)
    fi
}

/* A prepared one refuses: it asks, and has been asking already. */
#define CAN_FORGET(p, e) (HAS(n_forget, e) && INTRODUCED(p, e) && !mark_now[p])
inline on_forget(p, e)
{
    printf("member %d: FORGET of epoch %d\n", p, e);
    mark_now[p] = 1;
    forget_ended(p);
    if
    :: p_now[p] == TOMB || p_now[p] == OUT -> p_now[p] = NONE
    :: p_now[p] == WORKING -> bury(p)
    :: else
    fi
}

inline forget_ended(p)
{
    if
    :: mark_now[p] && p_now[p] == COMMITTED && p_log[p] == COMMITTED -> p_now[p] = NONE
    :: else
    fi
}

/* INQUIRE of a member in doubt. A reader is never asked: that it knows nothing proves nothing. */
#ifdef BUG_READ_ONLY_PROVES
#define IS_ASKED(p) (1)
#else
#define IS_ASKED(p) WRITES(p)
#endif
#if N == 2
#define OTHERS_ASK(p) (n_inquire[1 - (p)] != 0)
#else
#define OTHERS_ASK(p) (n_inquire[((p) + 1) % 3] != 0 || n_inquire[((p) + 2) % 3] != 0)
#endif

/* INQUIRE carries how far the coordinator knew the log of its receiver at PREPARE, which is where
 * the receiver welcomed it. */
#if defined(OLD_DISK) && OLD_DISK == 3 && !defined(BUG_NO_EVIDENCE)
#define MAY_ANSWER(p) (!old_disk[p])
#else
#define MAY_ANSWER(p) (1)
#endif
#if defined(OLD_DISK) && OLD_DISK == 1
#define CAN_ANSWER(p) (0)
#else
#define CAN_ANSWER(p)                                                                          \
    (MAY_ANSWER(p) && IS_ASKED(p) && OTHERS_ASK(p) && epoch_now[p] == epoch_log[p] &&          \
     epoch_log[p] > 0 &&                                                                       \
     ((p_now[p] == COMMITTED && !HAS(n_state_committed, p)) ||                                 \
      ((p_now[p] == NONE || p_now[p] == WORKING || p_now[p] == TOMB) && !HAS(n_state_no, p))))
#endif
inline on_inquire(p)
{
    printf("member %d: INQUIRE of another\n", p);
    if
    :: p_now[p] == COMMITTED -> n_state_committed = n_state_committed | BIT(p)
    :: else ->
        n_state_no = n_state_no | BIT(p);
        if
#ifdef BUG_TOMBSTONE_FORGOTTEN
        :: p_now[p] == WORKING -> bury(p)
#else
        :: p_now[p] == WORKING || (p_now[p] == NONE && !mark_now[p]) -> bury(p)
#endif
        :: else
        fi
    fi
}

#define CAN_STATE(p)                                                                           \
    (p_now[p] == PREPARED && ((n_state_no & ~BIT(p)) != 0 || (n_state_committed & ~BIT(p)) != 0))
inline on_state_no(p)
{
    printf("member %d: STATE NO of another\n", p);
    bury(p)
}
inline on_state_committed(p)
{
    printf("member %d: STATE COMMITTED of another\n", p);
    commit_here(p)
}

/* Everything appended is durable. Whole flushes are enough: a shorter one is a whole one at an
 * earlier time. */
#define CAN_FLUSH(p)                                                                           \
    (epoch_log[p] != epoch_now[p] || mark_log[p] != mark_now[p] || p_now[p] == PREPARING ||    \
     place_now[p] != place_log[p] || (p_now[p] == COMMITTED && p_log[p] != COMMITTED) ||       \
     ((p_now[p] == TOMB || p_now[p] == NONE) && p_log[p] == PREPARED))
inline flush(p)
{
    printf("member %d: its log is durable\n", p);
    epoch_log[p] = epoch_now[p];
    place_log[p] = place_now[p];
    mark_log[p] = mark_now[p];
    if
    :: p_now[p] == PREPARING ->
        p_now[p] = PREPARED;
        p_log[p] = PREPARED;
        n_yes[p] = n_yes[p] | BIT(inc[p]);
        n_inquire[p] = n_inquire[p] | BIT(inc[p])
    :: p_now[p] == COMMITTED && p_log[p] != COMMITTED ->
        p_log[p] = COMMITTED;
        n_ack[p] = n_ack[p] | BIT(inc[p]);
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

/* A restart finds what was durable. Tombstones are not: the incarnation says the same. */
inline restart(p)
{
    inc[p] = inc[p] + 1;
    epoch_now[p] = epoch_log[p];
    mark_now[p] = mark_log[p];
    place_now[p] = place_log[p];
    if
    :: p_log[p] == ABORTED -> p_now[p] = (mark_now[p] -> NONE : TOMB)
    :: p_log[p] == PREPARED -> p_now[p] = PREPARED; n_inquire[p] = n_inquire[p] | BIT(inc[p])
    :: else -> p_now[p] = p_log[p]
    fi;
    forget_ended(p)
}

inline crash(p)
{
    printf("member %d: crashes and restarts, incarnation %d\n", p, inc[p] + 1);
    p_crashes++;
    restart(p)
}

#if defined(OLD_DISK) && OLD_DISK == 3
#define OLD_EPOCH 0 /* before it first welcomed the coordinator */
#else
#define OLD_EPOCH 1
#endif

/* An old disk is put back. (Its lineage tells a coordinator, which quarantines it; that
 * is left out here, so that what is left is the members' own defence.) */
inline regress(p)
{
    printf("member %d: restarts with an old disk\n", p);
    p_crashes++;
    old_disk[p] = 1;
    p_log[p] = NONE;
    mark_log[p] = 0;
    place_log[p] = 0;
    epoch_log[p] = OLD_EPOCH;
    restart(p)
}

proctype member(byte p) provided (!healed)
{
end:
    do
    :: d_step { CAN_HELLO(p, newest) -> on_hello(p, newest) }
    :: d_step { newest > 2 && CAN_HELLO(p, 2) -> on_hello(p, 2) }
    :: d_step { CAN_PREPARE(p) -> on_prepare(p) }
    :: d_step { CAN_REPEAT(p) -> on_repeat(p) }
    :: d_step { CAN_UNDO(p) -> undo(p) }
    :: d_step { CAN_COMMIT(p, epoch_now[p]) -> on_commit(p, epoch_now[p]) }
    :: d_step { CAN_ABORT(p, epoch_now[p]) -> on_abort(p, epoch_now[p]) }
    :: d_step { CAN_FORGET(p, epoch_now[p]) -> on_forget(p, epoch_now[p]) }
    :: d_step { CAN_ANSWER(p) -> on_inquire(p) }
    :: d_step { CAN_STATE(p) && (n_state_no & ~BIT(p)) != 0 -> on_state_no(p) }
    :: d_step { CAN_STATE(p) && (n_state_committed & ~BIT(p)) != 0 -> on_state_committed(p) }
    :: d_step { CAN_FLUSH(p) -> flush(p) }
    :: d_step { p_crashes < P_CRASHES -> crash(p) }
#ifdef OLD_DISK
    :: d_step { p_crashes < P_CRASHES && !old_disk[p] -> regress(p) }
#endif
#ifdef OLD_PROCESS
    /* Whatever comes of a lower epoch is answered FENCED. */
    :: d_step { c_now[1] != GONE && c_epoch[1] < epoch_now[p] && !HAS(n_fenced, c_epoch[1]) ->
        printf("member %d: FENCED to epoch %d\n", p, c_epoch[1]);
        n_fenced = n_fenced | BIT(c_epoch[1]) }
#endif
    od
}

/* ---- a coordinator ---- */

inline tell_committed()
{
    printf("the client hears COMMITTED\n");
    told_committed = 1;
    CHECK
}

inline tell_aborted()
{
    printf("the client hears ABORTED\n");
    told_aborted = 1;
    CHECK
}

/* WELCOME is read off the participant instead of sent: a late one would but delay this step, and
 * nothing waits for not having been welcomed. */
#define CAN_WELCOME(c, p)                                                                      \
    (INTRODUCED(p, c_epoch[c]) && C_INC(c, p) != inc[p] && c_now[c] != GONE)
inline on_welcome(c, p)
{
    printf("epoch %d: WELCOME of member %d, incarnation %d\n", c_epoch[c], p, inc[p]);
    C_INC(c, p) = inc[p]
}

inline abort_it(c)
{
    c_now[c] = FIN_ABORTED;
    c_yes[c] = 0;
    c_out[c] = 0;
    n_abort = n_abort | BIT(c_epoch[c]);
    n_forget = n_forget | BIT(c_epoch[c]); /* for the mark it is finished */
    tell_aborted()
}

inline decide_if_all(c)
{
    if
    :: (c_yes[c] | c_out[c]) == ALL ->
        printf("epoch %d: all votes are here\n", c_epoch[c]);
        c_now[c] = DECIDING;
        c_yes[c] = 0;
        c_out[c] = 0;
#ifdef BUG_COMMIT_BEFORE_DURABLE
        n_commit = n_commit | BIT(c_epoch[c]);
        tell_committed()
#endif
    :: else
    fi
}

#define CAN_YES(c, p) (c_now[c] == COLLECTING && HAS(n_yes[p], C_INC(c, p)) && !HAS(c_yes[c], p))
inline on_yes(c, p)
{
    printf("epoch %d: YES of member %d\n", c_epoch[c], p);
#ifdef ONE_SHOT
    if
    :: C_INC(c, p) != 1 -> abort_it(c) /* what its operations gave is lost */
    :: else ->
        c_yes[c] = c_yes[c] | BIT(p);
        decide_if_all(c)
    fi
#else
    c_yes[c] = c_yes[c] | BIT(p);
    decide_if_all(c)
#endif
}

/* A vote of another incarnation than the member's is no READ_ONLY: it has lost its locks. */
#define CAN_OUT(c, p)                                                                          \
    (c_now[c] == COLLECTING && C_INC(c, p) == 1 && HAS(n_out[p], 1) && !HAS(c_out[c], p))
inline on_out(c, p)
{
    printf("epoch %d: READ_ONLY of member %d\n", c_epoch[c], p);
    c_out[c] = c_out[c] | BIT(p);
    decide_if_all(c)
}

#define DECIDED_SO(c) (c_now[c] >= DECIDING && c_now[c] <= FIN_COMMITTED)
/* An old process that has lost its disk decides for ever: what it makes of a NO concerns nobody. */
#define CAN_NO(c, p)                                                                           \
    (HAS(n_no[p], C_INC(c, p)) && !HAS(c_out[c], p) &&                                         \
     (c_now[c] == COLLECTING || ((c) == 0 && DECIDED_SO(c) && WRITES(p) && !old_disk[p])))
inline on_no(c, p)
{
    printf("epoch %d: NO of member %d\n", c_epoch[c], p);
    if
    :: c_now[c] == COLLECTING -> abort_it(c)
    :: else -> ALARM("ALARM: NO to what must be committed\n", p)
    fi
}

#define CAN_TIME_OUT(c) (c_now[c] == COLLECTING)
inline time_out(c)
{
    printf("epoch %d: timeout, or the client aborts\n", c_epoch[c]);
    abort_it(c)
}

#ifdef BUG_FORGET_BEFORE_ACKS
#define ENOUGH(c) (c_acks[c] != 0)
#else
#define ENOUGH(c) (c_acks[c] == WRITERS)
#endif
#define CAN_ACK(c, p)                                                                          \
    (c_now[c] == DECIDED && HAS(n_ack[p], C_INC(c, p)) && !HAS(c_acks[c], p))
inline on_ack(c, p)
{
    printf("epoch %d: ACK of member %d\n", c_epoch[c], p);
    c_acks[c] = c_acks[c] | BIT(p);
    if
    :: ENOUGH(c) ->
        /* What is called finished is durable at every member that writes. */
        assert((settled & WRITERS) == WRITERS);
        c_acks[c] = 0;
        c_now[c] = ENDING
    :: else
    fi
}

/* Undecided: WAIT, which changes nothing. Decided: COMMIT, which is out already. */
#ifdef BUG_PRESUME_ABORT_WHILE_ACTIVE
#define PRESUMES(c) (c_now[c] == UNKNOWN || c_now[c] == COLLECTING || c_now[c] == DECIDING)
#else
#define PRESUMES(c) (c_now[c] == UNKNOWN)
#endif
/* PREPARE is of epoch 1: for a later start it is an older one, and everybody is heard first. (None
 * is down here for good.) */
#ifdef BUG_PRESUMED_TOO_EARLY
#define MAY_PRESUME(c) (1)
#else
#define MAY_PRESUME(c) (c_epoch[c] == 1 || ALL_WELCOMED(c))
#endif
#define CAN_PRESUME(c, p)                                                                      \
    (PRESUMES(c) && MAY_PRESUME(c) && HAS(n_inquire[p], C_INC(c, p)) && !HAS(n_abort, c_epoch[c]))
inline presume(c, p)
{
    printf("epoch %d: INQUIRE of member %d, nothing known, so ABORT\n", c_epoch[c], p);
    n_abort = n_abort | BIT(c_epoch[c])
}

/* The client asks a later start, which has no record and forgot none. */
#if N == 2
#define ALL_WELCOMED(c) (C_INC(c, 0) != 0 && C_INC(c, 1) != 0)
#else
#define ALL_WELCOMED(c) (C_INC(c, 0) != 0 && C_INC(c, 1) != 0 && C_INC(c, 2) != 0)
#endif
#define CAN_SAY_ABORTED(c)                                                                     \
    (c_now[c] == UNKNOWN && ALL_WELCOMED(c) && !k_evicted && !told_aborted)

/* Told FENCED: silence. The newest start makes that durable. */
#define CAN_FENCED(c) (HAS(n_fenced, c_epoch[c]) && c_now[c] != GONE)
inline on_fenced(c)
{
    printf("epoch %d: FENCED\n", c_epoch[c]);
    c_now[c] = GONE
}

/* Only the newest start writes: LOCK.assent in the directory keeps it to one process. */
#ifdef BUG_NO_DIRECTORY_LOCK
#define MAY_WRITE(c) (1)
#else
#define MAY_WRITE(c) ((c) == 0)
#endif
#define CAN_WRITE(c)                                                                           \
    (MAY_WRITE(c) && (c_now[c] == DECIDING || c_now[c] == ENDING || (c_now[c] == GONE && !k_fenced)))
inline write(c)
{
    printf("epoch %d: its log is durable\n", c_epoch[c]);
    if
    :: c_now[c] == DECIDING ->
        c_now[c] = DECIDED;
        k_commit = 1;
        n_commit = n_commit | BIT(c_epoch[c]);
        tell_committed()
    :: c_now[c] == ENDING ->
        c_now[c] = FIN_COMMITTED;
        k_end = 1;
        n_forget = n_forget | BIT(c_epoch[c])
    :: else -> k_fenced = 1
    fi
}

/* The retention is over: no record is left, only that one is no longer there. An INQUIRE may still be
 * under way: it is told ABORT. */
#define CAN_EVICT(c) ((c) == 0 && c_now[c] == FIN_COMMITTED)
inline evict(c)
{
    printf("epoch %d: forgets what has finished\n", c_epoch[c]);
    k_evicted = 1;
    c_now[c] = UNKNOWN
}

/* A start: the next epoch is durable, then HELLO. What it finds in the log is what it knows. */
inline start()
{
    newest++;
    printf("coordinator: restarts as epoch %d\n", newest);
    c_epoch[0] = newest;
    c_yes[0] = 0;
    c_out[0] = 0;
    c_acks[0] = 0;
    for (i : 0 .. N - 1) {
        C_INC(0, i) = 0
    }
    if
    :: k_fenced -> c_now[0] = GONE
#ifdef BUG_INQUIRY_FROM_LOST_MEMORY
    :: !k_fenced -> c_now[0] = UNKNOWN
#else
    :: !k_fenced && k_commit && !k_end ->
        c_now[0] = DECIDED;
        n_commit = n_commit | BIT(newest)
    :: !k_fenced && k_end && !k_evicted ->
        c_now[0] = FIN_COMMITTED;
        n_forget = n_forget | BIT(newest);
        n_commit = n_commit | BIT(newest) /* to whoever should ask */
    :: !k_fenced && !(k_commit && !k_end) && !(k_end && !k_evicted) ->
        c_now[0] = UNKNOWN;
        n_forget = n_forget | BIT(newest)
#endif
    fi
}

#ifdef RESTORE
/* Does every member durably know more than the disk of the first start? */
#define KNOWS_MORE(p) (epoch_log[p] > 1 || place_log[p])
#if RESTORE == 2
#define ENOUGH_KNOW_MORE (1)
#elif RESTORE == 3
#define ENOUGH_KNOW_MORE (KNOWS_MORE(0) || KNOWS_MORE(1))
#elif N == 2
#define ENOUGH_KNOW_MORE (KNOWS_MORE(0) && KNOWS_MORE(1))
#else
#define ENOUGH_KNOW_MORE (KNOWS_MORE(0) && KNOWS_MORE(1) && KNOWS_MORE(2))
#endif
#endif

#define FROM_MEMBER(p)                                                                         \
    :: d_step { CAN_WELCOME(c, p) -> on_welcome(c, p) }                                        \
    :: d_step { CAN_YES(c, p) -> on_yes(c, p) }                                                \
    :: d_step { CAN_OUT(c, p) -> on_out(c, p) }                                                \
    :: d_step { CAN_NO(c, p) -> on_no(c, p) }                                                  \
    :: d_step { CAN_ACK(c, p) -> on_ack(c, p) }                                                \
    :: d_step { CAN_PRESUME(c, p) -> presume(c, p) }

proctype coordinator(byte c) provided (!healed)
{
end:
    do
    FROM_MEMBER(0)
    FROM_MEMBER(1)
#if N == 3
    FROM_MEMBER(2)
#endif
    :: d_step { CAN_TIME_OUT(c) -> time_out(c) }
    :: d_step { CAN_WRITE(c) -> write(c) }
    :: d_step { CAN_EVICT(c) -> evict(c) }
    :: d_step { CAN_SAY_ABORTED(c) -> tell_aborted() }
    :: d_step { CAN_FENCED(c) -> on_fenced(c) }
    od
}

/* ---- faults, and their end ---- */

/* Crash of the newest start; with OLD_PROCESS its process may live on without the disk. */
inline leave_old_process()
{
    printf("epoch %d: loses its disk and goes on\n", c_epoch[0]);
    c_now[1] = c_now[0];
    c_epoch[1] = c_epoch[0];
    c_yes[1] = c_yes[0];
    c_out[1] = c_out[0];
    c_acks[1] = c_acks[0];
    for (i : 0 .. N - 1) {
        C_INC(1, i) = C_INC(0, i)
    }
    copied = 1;
    start()
}

inline restore_disk()
{
    printf("coordinator: gets the disk of its first start back\n");
    k_commit = 0;
    k_end = 0;
    k_evicted = 0;
    k_fenced = 0;
    restored = newest + 1;
    start()
}

#define DO(can, what)                                                                          \
    if                                                                                         \
    :: can -> what                                                                             \
    :: else                                                                                    \
    fi

/* What a member and the newest start tell one another when nothing is lost. */
inline talk(p)
{
    DO(CAN_HELLO(p, newest), on_hello(p, newest));
    DO(CAN_FENCED(0), on_fenced(0));
    DO(CAN_FLUSH(p), flush(p));
    DO(CAN_WELCOME(0, p), on_welcome(0, p));
    DO(c_now[0] == COLLECTING && CAN_PREPARE(p), on_prepare(p));
    DO(c_now[0] == COLLECTING && CAN_REPEAT(p), on_repeat(p));
    DO(CAN_FLUSH(p), flush(p));
    DO(CAN_YES(0, p), on_yes(0, p));
    DO(CAN_OUT(0, p), on_out(0, p));
    DO(CAN_NO(0, p), on_no(0, p));
    DO(p_now[p] == PREPARED, n_inquire[p] = n_inquire[p] | BIT(inc[p]));
    DO(CAN_PRESUME(0, p), presume(0, p));
    DO(CAN_COMMIT(p, newest), on_commit(p, newest));
    DO(CAN_ABORT(p, newest), on_abort(p, newest));
    DO(CAN_FLUSH(p), flush(p));
    DO(CAN_ACK(0, p), on_ack(0, p));
    DO(CAN_FORGET(p, newest), on_forget(p, newest));
    DO(CAN_FLUSH(p), flush(p))
}

/* What the newest start repeats, by its timers. */
inline resend()
{
    DO(CAN_WRITE(0), write(0));
    DO(c_now[0] == DECIDED || c_now[0] == FIN_COMMITTED, n_commit = BIT(newest));
    DO(c_now[0] == FIN_ABORTED, n_abort = BIT(newest));
    DO(c_now[0] == FIN_ABORTED || c_now[0] == FIN_COMMITTED || c_now[0] == UNKNOWN,
       n_forget = BIT(newest))
}

#define ENDED(p)                                                                               \
    (p_now[p] == NONE && p_log[p] == NONE && mark_log[p] && epoch_log[p] == newest)

#if N == 2
#define OLD_DISKS (old_disk[0] || old_disk[1])
#else
#define OLD_DISKS (old_disk[0] || old_disk[1] || old_disk[2])
#endif

/* From here on no crash and no loss; all that was under way is lost once more. Then a few rounds
 * must end everything everywhere. This is done from every state that can be reached, in one step,
 * so that "nothing is ever stuck" needs no search for cycles. */
#define ROUNDS 6
inline heal()
{
    printf("---- no more faults ----\n");
    n_commit = 0; n_abort = 0; n_forget = 0; n_fenced = 0; n_state_no = 0; n_state_committed = 0;
    for (i : 0 .. N - 1) {
        n_yes[i] = 0; n_no[i] = 0; n_out[i] = 0; n_ack[i] = 0; n_inquire[i] = 0
    }
    for (r : 1 .. ROUNDS) {
        resend();
        DO(r == 3 && CAN_TIME_OUT(0), time_out(0));
        for (j : 0 .. N - 1) {
            talk(j)
        }
    }
    if
    :: c_now[0] == GONE || OLD_DISKS -> printf("an operator is needed\n")
    :: else ->
        for (j : 0 .. N - 1) {
            assert(ENDED(j))
        }
        assert(c_now[0] == FIN_COMMITTED || c_now[0] == FIN_ABORTED || c_now[0] == UNKNOWN);
        assert(!(told_committed || some_committed) || (settled & WRITERS) == WRITERS)
    fi;
    vanish()
}
/* One state for all ends. */
inline vanish()
{
    for (i : 0 .. N - 1) {
        p_now[i] = 0; p_log[i] = 0; epoch_now[i] = 0; epoch_log[i] = 0; mark_now[i] = 0;
        mark_log[i] = 0; inc[i] = 0; place_now[i] = 0; place_log[i] = 0; old_disk[i] = 0;
        n_yes[i] = 0; n_no[i] = 0; n_out[i] = 0; n_ack[i] = 0; n_inquire[i] = 0
    }
    for (i : 0 .. COORDINATORS - 1) {
        c_now[i] = 0; c_epoch[i] = 0; c_yes[i] = 0; c_out[i] = 0; c_acks[i] = 0
    }
    for (i : 0 .. COORDINATORS * N - 1) {
        c_inc[i] = 0
    }
    k_commit = 0; k_end = 0; k_evicted = 0; k_fenced = 0; newest = 0; restored = 0;
    n_commit = 0; n_abort = 0; n_forget = 0; n_fenced = 0; n_state_no = 0; n_state_committed = 0;
    c_crashes = 0; p_crashes = 0; copied = 0; told_committed = 0; told_aborted = 0;
    some_committed = 0; some_undone = 0; over = 0; settled = 0;
    healed = 1
}

init
{
    /* Everybody is introduced; PREPARE is out. Interactive: the work was done in incarnation 1. */
    d_step {
        for (i : 0 .. N - 1) {
#ifndef ONE_SHOT
            p_now[i] = WORKING;
#endif
            inc[i] = 1; epoch_now[i] = 1; epoch_log[i] = 1; C_INC(0, i) = 1
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
#ifdef RESTORE
    :: d_step { !restored && ENOUGH_KNOW_MORE -> restore_disk() }
#endif
    :: d_step { heal() } ; break
    od
}
