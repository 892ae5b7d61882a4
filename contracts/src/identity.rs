//! Who is calling: short-lived tokens that a service signs and every service verifies.
//!
//! A token is a JWT (RFC 7519) in compact form (RFC 7515), signed with Ed25519 (RFC 8037), good for
//! sixty seconds, carried in the header [`TOKEN_HEADER`]. It never leaves the house. There is one
//! algorithm, and the header names one of the keys that are trusted or the token is none, so
//! nothing of a token is believed before its signature is checked.
//!
//! auth's key speaks for anybody; the key of another service only for that service itself. In one
//! process there is one key, auth's.

mod trust;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey};
use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Env, Error, Timestamp, Uuid, recent::Recent};
use utoipa::ToSchema;

use crate::{Service, codes};

pub use trust::TrustedKeys;

/// The header between services that says who is calling.
pub const TOKEN_HEADER: &str = "x-techcommerce-token";

/// How long a token is good for.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// What an account or an API key may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Staff,
    /// Runs the shop and decides who else may.
    Admin,
}

impl Role {
    /// The name as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Customer, Self::Staff, Self::Admin]
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| format!("`{text}` is no role; there are customer, staff and admin"))
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// A person who is signed in.
    Account {
        /// The account.
        id: Uuid,
        /// What it may do.
        role: Role,
        /// The session, as `GET /api/auth/sessions` lists it.
        session: Uuid,
    },
    /// A program with an API key.
    ApiKey {
        /// The key.
        id: Uuid,
        /// What it may do.
        role: Role,
    },
    /// Another service of ours.
    Service {
        /// Which one.
        name: Service,
    },
}

impl Principal {
    /// The role of a person or a program; services have none.
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Account { role, .. } | Self::ApiKey { role, .. } => Some(*role),
            Self::Service { .. } => None,
        }
    }

    /// Whether it may do what staff may.
    pub fn is_staff(&self) -> bool {
        self.role() >= Some(Role::Staff)
    }

    /// The account, if it is a person.
    pub fn account(&self) -> Option<Uuid> {
        match self {
            Self::Account { id, .. } => Some(*id),
            Self::ApiKey { .. } | Self::Service { .. } => None,
        }
    }

    /// Names it in audit trails, movements and logs, as `account:0193…`.
    pub fn actor(&self) -> String {
        match self {
            Self::Account { id, .. } => format!("account:{id}"),
            Self::ApiKey { id, .. } => format!("api-key:{id}"),
            Self::Service { name } => format!("service:{name}"),
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The service that signed.
    pub iss: Service,
    /// Good until, in seconds since 1970.
    pub exp: i64,
    /// Who is calling.
    pub principal: Principal,
    /// The address that the outermost request came from, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
}

/// Signs tokens in the name of a service. Clones share the key, which can be replaced.
#[derive(Clone)]
pub struct TokenSigner {
    service: Service,
    key: Arc<RwLock<SigningKey>>,
    /// How often the key was replaced.
    replaced: Arc<AtomicU64>,
    env: Env,
}

impl TokenSigner {
    /// auth's signer, whose tokens may speak for anybody, from the 32 bytes of an Ed25519 private
    /// key.
    pub fn from_seed(seed: &[u8; 32], env: Env) -> Self {
        Self::of_service(Service::Auth, seed, env)
    }

    /// The signer of `service`. The tokens of all but auth may speak for the service alone.
    pub fn of_service(service: Service, seed: &[u8; 32], env: Env) -> Self {
        Self {
            service,
            key: Arc::new(RwLock::new(SigningKey::from_bytes(seed))),
            replaced: Arc::default(),
            env,
        }
    }

    /// Whose key it is.
    pub fn service(&self) -> Service {
        self.service
    }

    /// From now on signs with another key, which all others must trust already.
    pub fn replace(&self, seed: &[u8; 32]) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = SigningKey::from_bytes(seed);
        self.replaced.fetch_add(1, Ordering::Release);
    }

    /// The public key: 32 bytes.
    pub fn public_key(&self) -> [u8; 32] {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        key.verifying_key().to_bytes()
    }

    /// Verifies what this signs, and nothing else.
    pub fn verifier(&self) -> TokenVerifier {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let keys = TrustedKeys::one(self.service, key.verifying_key());
        TokenVerifier::new(keys, self.env.clone())
    }

    /// A token for `principal` that is good for [`TOKEN_LIFETIME`], and until when it is.
    pub fn sign(
        &self,
        principal: Principal,
        client_address: Option<IpAddr>,
    ) -> Result<(String, Timestamp), Error> {
        let expires = self.env.now() + TOKEN_LIFETIME;
        let claims = Claims {
            iss: self.service,
            exp: expires.as_seconds(),
            principal,
            client_address,
        };
        let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let header = trust::header(&key.verifying_key());
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = key.sign(token.as_bytes()).to_bytes();
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok((token, expires))
    }
}

impl std::fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSigner")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// How many tokens are remembered by those who sign and those who verify: the callers of the last
/// seconds. A signature costs more than all else that most requests do.
const REMEMBERED: usize = 4096;

/// Verifies tokens. Clones share the keys, which can be replaced.
#[derive(Clone)]
pub struct TokenVerifier {
    trust: Arc<RwLock<Arc<Trust>>>,
    env: Env,
}

/// The keys, and what they were found to have signed.
struct Trust {
    keys: TrustedKeys,
    signed: Mutex<Recent<Box<str>, Claims>>,
}

impl Trust {
    fn new(keys: TrustedKeys) -> Arc<Self> {
        Arc::new(Self {
            keys,
            signed: Mutex::new(Recent::new(REMEMBERED)),
        })
    }
}

impl TokenVerifier {
    /// A verifier that trusts these keys.
    pub fn new(keys: TrustedKeys, env: Env) -> Self {
        Self {
            trust: Arc::new(RwLock::new(Trust::new(keys))),
            env,
        }
    }

    /// From now on trusts these keys and no others; gives whether they are others than before.
    pub fn replace(&self, keys: TrustedKeys) -> bool {
        let mut current = self.trust.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.keys != keys;
        *current = Trust::new(keys);
        changed
    }

    /// What the token says, if a service that may say so signed it and it is still good.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        let trust = Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner));
        let signed = || trust.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = signed().get(token).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = trust.keys.claims(token).ok_or_else(refused)?;
                signed().insert(token.into(), claims.clone());
                claims
            }
        };
        if claims.exp <= self.env.now().as_seconds() {
            return Err(refused());
        }
        Ok(claims)
    }
}

impl TrustedKeys {
    /// What the token says, if its signature is right and whoever signed may say so.
    fn claims(&self, token: &str) -> Option<Claims> {
        let (signer, claims) = self.signed_claims(token)?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let itself = Principal::Service { name: signer };
        let may_say = signer == Service::Auth || claims.principal == itself;
        (claims.iss == signer && may_say).then_some(claims)
    }

    /// Who signed, and the bytes between the dots, if the signature over them is right.
    fn signed_claims(&self, token: &str) -> Option<(Service, Vec<u8>)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let (signer, key) = self.by_header(header)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = Signature::from_slice(&signature).ok()?;
        key.verify_strict(signed.as_bytes(), &signature).ok()?;
        Some((signer, URL_SAFE_NO_PAD.decode(claims).ok()?))
    }
}

fn refused() -> Error {
    Error::unauthenticated(
        codes::UNAUTHENTICATED,
        "The token between services is not valid or too old.",
    )
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier").finish_non_exhaustive()
    }
}

/// The tokens that a service shows to the others, renewed before they run out.
#[derive(Debug, Clone)]
pub struct ServiceTokens {
    signer: TokenSigner,
    service: Service,
    signed: Arc<Mutex<Recent<For, Signed>>>,
}

/// The key, by its number, and the address of the outermost client.
type For = (u64, Option<IpAddr>);
/// A token and until when it is good.
type Signed = (String, Timestamp);

impl ServiceTokens {
    /// Tokens for `service`, signed in this process.
    pub fn local(signer: TokenSigner, service: Service) -> Self {
        Self {
            signer,
            service,
            signed: Arc::new(Mutex::new(Recent::new(REMEMBERED))),
        }
    }

    /// A token that is good for at least half its life.
    pub fn token(&self) -> Result<String, Error> {
        self.signed_for(None)
    }

    /// A token that also says where the outermost request came from.
    pub fn token_for(&self, client_address: IpAddr) -> Result<String, Error> {
        self.signed_for(Some(client_address))
    }

    fn signed_for(&self, client_address: Option<IpAddr>) -> Result<String, Error> {
        let now = self.signer.env.now();
        // Read before signing: a token of the new key under the old number is renewed, no harm.
        let asked = (self.signer.replaced.load(Ordering::Acquire), client_address);
        let signed = || self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, expires)) = signed().get(&asked)
            && *expires > now + TOKEN_LIFETIME / 2
            && *expires <= now + TOKEN_LIFETIME
        {
            return Ok(token.clone());
        }
        let principal = Principal::Service { name: self.service };
        let new = self.signer.sign(principal, client_address)?;
        signed().insert(asked, new.clone());
        Ok(new.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> (TokenSigner, techcommerce_kernel::ManualClock) {
        let (env, clock) = Env::manual(1);
        (TokenSigner::from_seed(&[7; 32], env), clock)
    }

    #[test]
    fn a_token_is_good_for_a_minute() {
        let (signer, clock) = signer();
        let principal = Principal::Service {
            name: Service::Worker,
        };
        let (token, _) = signer.sign(principal.clone(), None).unwrap();
        assert_eq!(
            signer.verifier().verify(&token).unwrap().principal,
            principal
        );
        clock.advance(Duration::from_secs(61));
        assert!(signer.verifier().verify(&token).is_err());
    }

    #[test]
    fn another_key_signs_nothing() {
        let (signer, _clock) = signer();
        let (env, _) = Env::manual(1);
        let other = TokenSigner::from_seed(&[8; 32], env);
        let (token, _) = other
            .sign(Principal::Service { name: Service::Api }, None)
            .unwrap();
        assert!(signer.verifier().verify(&token).is_err());
        assert!(signer.verifier().verify("nonsense").is_err());
    }

    #[test]
    fn the_key_of_a_service_speaks_for_it_alone() {
        let (env, _) = Env::manual(1);
        let auth = TokenSigner::from_seed(&[1; 32], env.clone());
        let orders = TokenSigner::of_service(Service::OrderApi, &[2; 32], env.clone());
        let text = format!(
            "{}\n{}",
            TrustedKeys::line(Service::Auth, &auth.public_key()),
            TrustedKeys::line(Service::OrderApi, &orders.public_key())
        );
        let verifier = TokenVerifier::new(TrustedKeys::parse(&text).unwrap(), env);
        let service = |name| Principal::Service { name };
        let person = Principal::Account {
            id: Uuid::nil(),
            role: Role::Admin,
            session: Uuid::nil(),
        };
        for (signer, principal, good) in [
            (&auth, person.clone(), true),
            (&auth, service(Service::OrderApi), true),
            (&orders, service(Service::OrderApi), true),
            (&orders, service(Service::Api), false),
            (&orders, service(Service::Auth), false),
            (&orders, person, false),
        ] {
            let (token, _) = signer.sign(principal.clone(), None).unwrap();
            assert_eq!(verifier.verify(&token).is_ok(), good, "{principal:?}");
        }
    }

    #[test]
    fn keys_are_replaced_while_both_are_trusted() {
        let (env, _) = Env::manual(1);
        let signer = TokenSigner::of_service(Service::Api, &[1; 32], env.clone());
        let (old_key, old) = (signer.public_key(), token_of(&signer));
        let verifier = signer.verifier();
        signer.replace(&[2; 32]);
        let new = token_of(&signer);
        assert!(verifier.verify(&old).is_ok() && verifier.verify(&new).is_err());
        let lines = [old_key, signer.public_key()].map(|key| TrustedKeys::line(Service::Api, &key));
        verifier.replace(TrustedKeys::parse(&lines.join("\n")).unwrap());
        assert!(verifier.verify(&old).is_ok() && verifier.verify(&new).is_ok());
        verifier.replace(TrustedKeys::parse(&lines[1]).unwrap());
        assert!(verifier.verify(&old).is_err() && verifier.verify(&new).is_ok());
    }

    fn token_of(signer: &TokenSigner) -> String {
        let principal = Principal::Service {
            name: signer.service(),
        };
        signer.sign(principal, None).unwrap().0
    }

    #[test]
    fn what_was_believed_once_is_not_believed_for_ever() {
        let (signer, clock) = signer();
        let token = token_of(&signer);
        let verifier = signer.verifier();
        assert!(verifier.verify(&token).is_ok() && verifier.verify(&token).is_ok());
        let forged = format!("{}A", &token[..token.len() - 1]);
        assert!(verifier.verify(&forged).is_err());
        let other = TrustedKeys::one(
            Service::Auth,
            SigningKey::from_bytes(&[9; 32]).verifying_key(),
        );
        verifier.clone().replace(other);
        assert!(
            verifier.verify(&token).is_err(),
            "the key is not trusted any more"
        );
        let verifier = signer.verifier();
        assert!(verifier.verify(&token).is_ok());
        clock.advance(Duration::from_secs(61));
        assert!(verifier.verify(&token).is_err(), "its minute is over");
    }

    #[test]
    fn service_tokens_are_renewed() {
        let (signer, clock) = signer();
        let tokens = ServiceTokens::local(signer.clone(), Service::OrderApi);
        let first = tokens.token().unwrap();
        assert_eq!(first, tokens.token().unwrap());
        clock.advance(Duration::from_secs(40));
        let second = tokens.token().unwrap();
        assert_ne!(first, second);
        signer.replace(&[8; 32]);
        let other = tokens.token().unwrap();
        assert!(signer.verifier().verify(&other).is_ok(), "by the new key");
        signer.replace(&[7; 32]);
        assert!(signer.verifier().verify(&second).is_ok());
    }

    #[test]
    fn roles_are_ordered() {
        assert!(Role::Admin > Role::Staff && Role::Staff > Role::Customer);
        let service = Principal::Service { name: Service::Api };
        assert!(!service.is_staff());
    }
}
