//! Faults of orders, payments and what is done in the background.

use super::{BUDGETS, Fault, habit};
use crate::drill::load::{Habit, USUAL};

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "provider-times-out",
        what: "the payment provider does not say what became of half of what it is asked",
        expected: &["PaymentAttemptsFailing"],
        also: &["PaymentsFail", "DependencyFailing"],
        aftermath: BUDGETS,
        hold: 15,
        begin: |ground| {
            habit(
                ground,
                Habit {
                    token: Some("tok_timeout"),
                    ..USUAL
                },
            )
        },
        end: |ground| habit(ground, USUAL),
    },
    Fault {
        name: "cards-declined",
        what: "every card is declined",
        expected: &["PaymentsDeclined"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            habit(
                ground,
                Habit {
                    token: Some("tok_decline"),
                    ..USUAL
                },
            )
        },
        end: |ground| habit(ground, USUAL),
    },
    Fault {
        name: "nobody-orders",
        what: "people fill their carts, and nobody gets as far as an order",
        expected: &["CartsWithoutOrders"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            habit(
                ground,
                Habit {
                    carts: 2,
                    order: false,
                    ..USUAL
                },
            )
        },
        end: |ground| habit(ground, USUAL),
    },
    Fault {
        name: "dead-letter",
        what: "a job that nobody can do is given up",
        expected: &["DeadLetters{queue=images}"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            Box::pin(async {
                let job = "INSERT INTO images.jobs (id, kind, payload, state, due_at, attempts, max_attempts, fence, created_at)
                     SELECT '0193a1b2-0000-7000-8000-00000000dead'::uuid, 'images.variants', '{\"nonsense\": 1}', 'ready', moment.us, 0, 1, 0, moment.us
                     FROM (SELECT (extract(epoch FROM now()) * 1000000)::bigint AS us) AS moment";
                ground.execute(job).await
            })
        },
        end: |ground| {
            Box::pin(async {
                ground
                    .execute(
                        "DELETE FROM images.jobs WHERE id = '0193a1b2-0000-7000-8000-00000000dead'",
                    )
                    .await
            })
        },
    },
    Fault {
        name: "worker-stuck",
        what: "the worker hangs at the queue of pictures (a lock that nobody lets go)",
        expected: &["WorkerSilent{queue=images}"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(ground.hold("LOCK TABLE images.jobs IN ACCESS EXCLUSIVE MODE")),
        end: |ground| Box::pin(ground.let_go()),
    },
    Fault {
        name: "reservations-stay",
        what: "a reservation is held 400 s beyond its time (its row is locked)",
        expected: &["ReservationsNotExpiring"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            Box::pin(async {
                let late = "INSERT INTO product_api.reservations (id, state, lines_hash, deadline, created_at, updated_at)
                     VALUES ('0193a1b2-0000-7000-8000-00000000feed', 'held', '', 0, 0, 0);
                     UPDATE product_api.reservations SET deadline = (extract(epoch FROM now())::bigint - 400) * 1000000
                     WHERE id = '0193a1b2-0000-7000-8000-00000000feed'";
                ground.execute(late).await?;
                ground.hold("SELECT * FROM product_api.reservations WHERE id = '0193a1b2-0000-7000-8000-00000000feed' FOR UPDATE").await
            })
        },
        end: |ground| Box::pin(ground.let_go()),
    },
];
