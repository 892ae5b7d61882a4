//! Messages that Stripe sends by itself: whether they are Stripe's, and of what they are.
//!
//! What a message says is not believed, only that there is something to ask for: it may come twice,
//! late, before the answer that it follows from, and in any order.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::Conn;

use super::{
    Stripe, rows,
    wire::{Dispute, Message, Refund},
};

/// How old a message may be, and how far Stripe's clock may be ahead: who has seen one cannot send
/// it again for ever.
const TOLERANCE_SECONDS: i64 = 300;
/// The most signatures that are looked at: one for each secret that is in force.
const SIGNATURES: usize = 16;

/// A message is not Stripe's, or is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsigned;

/// Of what a message is.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Stripe's id of the message: the same whenever it is sent again.
    pub id: String,
    /// As `payment_intent.succeeded`.
    pub kind: String,
    /// The PaymentIntent that it is about, if it is about one.
    pub intent: Option<String>,
    /// The order that the payment says it belongs to.
    pub order: Option<Uuid>,
    /// It is about this dispute.
    pub dispute: Option<Dispute>,
    /// It is about this refund.
    pub refund: Option<Refund>,
}

impl Stripe {
    /// Reads a message whose header `Stripe-Signature` is `header`.
    ///
    /// # Errors
    /// It is not signed with one of our secrets, or not now. The inner error: it is none of
    /// Stripe's shapes.
    pub(crate) fn hear(&self, header: &str, body: &[u8]) -> Result<Result<Heard, Error>, Unsigned> {
        hear(&self.webhook_secrets.get(), header, body, self.env.now())
    }

    /// The order that a message is about, if we know one.
    pub(crate) async fn order_of(
        &self,
        conn: &mut Conn,
        heard: &Heard,
    ) -> Result<Option<Uuid>, Error> {
        let known = match &heard.intent {
            Some(intent) => rows::order_of(conn, intent).await?,
            None => None,
        };
        // Before its own answer has come, only the payment itself says whose it is.
        Ok(known.or(heard.order))
    }
}

/// Reads a message that is signed with one of `secrets`.
///
/// # Errors
/// Those of [`Stripe::hear`].
pub(crate) fn hear(
    secrets: &[String],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<Heard, Error>, Unsigned> {
    check(secrets, header, body, now)?;
    Ok(read(body))
}

/// Whether `header` signs `body` with one of `secrets`, about now.
fn check(secrets: &[String], header: &str, body: &[u8], now: Timestamp) -> Result<(), Unsigned> {
    let mut at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if at.is_none() => at = Some(text),
            Some(("v1", text)) if signatures.len() < SIGNATURES => {
                signatures.extend(from_hex(text));
            }
            _ => {}
        }
    }
    let at = at.ok_or(Unsigned)?;
    let seconds: i64 = at.parse().map_err(|_| Unsigned)?;
    if (now.as_seconds().saturating_sub(seconds)).saturating_abs() > TOLERANCE_SECONDS {
        return Err(Unsigned);
    }
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Unsigned)?;
        mac.update(at.as_bytes());
        mac.update(b".");
        mac.update(body);
        // Compared in constant time.
        let signed = |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok();
        if signatures.iter().any(signed) {
            return Ok(());
        }
    }
    Err(Unsigned)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let pairs = digits.chunks_exact(2);
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    pairs.map(byte).collect()
}

fn read(body: &[u8]) -> Result<Heard, Error> {
    let wrong = |_| Error::invalid("invalid_json", "The message is none of Stripe's.");
    let message: Message = serde_json::from_slice(body).map_err(wrong)?;
    let object = message.data.object;
    let text = |name: &str| object.get(name).and_then(|value| value.as_str());
    let what = text("object").unwrap_or_default();
    let intent = match what {
        "payment_intent" => text("id"),
        _ => text("payment_intent"),
    };
    let order = object.get("metadata").and_then(|m| m.get("order"));
    let order = order.and_then(|order| order.as_str()?.parse().ok());
    Ok(Heard {
        id: message.id,
        kind: message.kind,
        intent: intent.map(str::to_owned),
        order,
        dispute: match what {
            "dispute" => serde_json::from_value(object.clone()).ok(),
            _ => None,
        },
        refund: match what {
            "refund" => serde_json::from_value(object.clone()).ok(),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"x","data":{"object":{}}}"#;

    fn sign(secret: &str, at: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.").as_bytes());
        mac.update(body);
        let bytes = mac.finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn checked(header: &str, body: &[u8], seconds: i64) -> bool {
        let secrets = ["whsec_new".to_owned(), "whsec_old".to_owned()];
        let now = Timestamp::from_micros(seconds * 1_000_000);
        check(&secrets, header, body, now).is_ok()
    }

    #[test]
    fn a_signature_is_good_for_its_body_its_time_and_its_secret() {
        let at = 1_800_000_000;
        let header = |secret: &str| format!("t={at},v1={},v0=00", sign(secret, at, BODY));
        assert!(checked(&header("whsec_new"), BODY, at));
        assert!(
            checked(&header("whsec_old"), BODY, at + 300),
            "while one takes the other's place"
        );
        assert!(!checked(&header("whsec_new"), BODY, at + 301), "too old");
        assert!(
            !checked(&header("whsec_new"), BODY, at - 301),
            "from the future"
        );
        assert!(!checked(&header("whsec_other"), BODY, at));
        assert!(!checked(&header("whsec_new"), b"{}", at), "another body");
        let later = format!("t={},v1={}", at + 1, sign("whsec_new", at, BODY));
        assert!(!checked(&later, BODY, at), "the time is signed too");
        for broken in [
            "",
            "t=1",
            "v1=00",
            "t=x,v1=y",
            "t=1800000000,v1=zz",
            "t=,v1=",
        ] {
            assert!(!checked(broken, BODY, at), "{broken}");
        }
        let both = format!(
            "t={at},v1={},v1={}",
            sign("other", at, BODY),
            sign("whsec_new", at, BODY)
        );
        assert!(checked(&both, BODY, at), "one of several is enough");
    }

    #[test]
    fn without_a_secret_nothing_is_believed() {
        let header = format!("t=1,v1={}", sign("", 1, BODY));
        assert_eq!(
            check(&[], &header, BODY, Timestamp::from_micros(0)),
            Err(Unsigned)
        );
    }

    #[test]
    fn whose_payment_it_is_about() {
        let order = Uuid::from_u128(7);
        let body = format!(
            r#"{{"id":"evt_1","type":"payment_intent.succeeded","data":{{"object":
            {{"object":"payment_intent","id":"pi_1","metadata":{{"order":"{order}"}}}}}}}}"#
        );
        let heard = read(body.as_bytes()).unwrap();
        assert_eq!(
            (heard.intent.as_deref(), heard.order),
            (Some("pi_1"), Some(order))
        );
        let body = br#"{"id":"evt_2","type":"charge.dispute.created","data":{"object":
            {"object":"dispute","id":"dp_1","amount":5,"currency":"eur","status":"needs_response",
            "reason":"fraudulent","payment_intent":"pi_1","evidence_details":{"due_by":9}}}}"#;
        let heard = read(body).unwrap();
        assert_eq!(heard.intent.as_deref(), Some("pi_1"));
        assert_eq!(heard.dispute.unwrap().id, "dp_1");
        assert!(read(b"[]").is_err());
    }
}
