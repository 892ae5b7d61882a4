//! The keys that services know each other by.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use techcommerce_auth::{load_or_create_signing_key, signing_seed_from_text};
use techcommerce_config::Settings;
use techcommerce_contracts::{Service, ServiceTokens, TokenSigner, TokenVerifier, TrustedKeys};
use techcommerce_follow::{Follow, Look};
use techcommerce_kernel::{Env, Error};

use crate::{data_folder::DataFolder, here::Here};

/// What this process signs with, and whom it believes.
#[derive(Debug, Clone)]
pub struct Trust {
    signers: BTreeMap<Service, TokenSigner>,
    verifier: TokenVerifier,
    files: Option<Files>,
    /// Why the files cannot be read again, as far as the log has it.
    told: Arc<Mutex<Option<String>>>,
}

/// Where the keys of services that run apart are.
#[derive(Debug, Clone)]
struct Files {
    private: PathBuf,
    trusted: PathBuf,
    alone: bool,
}

impl Trust {
    /// The keys for the services that run here. A whole shop has one key, auth's, in its data
    /// folder, and makes it at its first start.
    ///
    /// # Errors
    /// Says which file is missing or wrong, and what to do.
    pub fn open(
        settings: &Settings,
        folder: Option<&DataFolder>,
        here: &Here,
        env: &Env,
    ) -> Result<Self, Error> {
        if let (true, Some(folder)) = (here.is_whole(), folder) {
            let signer = load_or_create_signing_key(&folder.join("signing.key"), env)?;
            return Ok(Self {
                verifier: signer.verifier(),
                signers: Service::ALL.map(|service| (service, signer.clone())).into(),
                files: None,
                told: Arc::default(),
            });
        }
        let files = Files {
            private: needed(settings.keys.private.as_ref(), "keys.private")?,
            trusted: needed(settings.keys.trusted.as_ref(), "keys.trusted")?,
            alone: here.services().len() == 1,
        };
        let trusted = files.trusted()?;
        let mut signers = BTreeMap::new();
        for service in here.services() {
            let seed = files.seed(*service)?;
            let signer = TokenSigner::of_service(*service, &seed, env.clone());
            files.check(&trusted, &signer)?;
            signers.insert(*service, signer);
        }
        Ok(Self {
            signers,
            verifier: TokenVerifier::new(trusted, env.clone()),
            files: Some(files),
            told: Arc::default(),
        })
    }

    /// What a service that runs here signs with.
    pub fn signer(&self, service: Service) -> Result<&TokenSigner, Error> {
        self.signers
            .get(&service)
            .ok_or_else(|| Error::internal(format!("{service} does not run here")))
    }

    /// The tokens of a service that runs here.
    pub fn tokens(&self, service: Service) -> Result<ServiceTokens, Error> {
        Ok(ServiceTokens::local(self.signer(service)?.clone(), service))
    }

    /// Verifies the tokens of all services.
    pub fn verifier(&self) -> TokenVerifier {
        self.verifier.clone()
    }

    fn read_again(&self, files: &Files) -> Result<(), Error> {
        let trusted = files.trusted()?;
        for (service, signer) in &self.signers {
            let seed = files.seed(*service)?;
            let next = TokenSigner::of_service(*service, &seed, Env::system());
            files.check(&trusted, &next)?;
            if next.public_key() != signer.public_key() {
                signer.replace(&seed);
                tracing::info!(service = service.name(), "signs with another key now");
            }
        }
        if self.verifier.replace(trusted) {
            tracing::info!("the trusted keys were read again");
        }
        Ok(())
    }
}

/// What cannot be read is told in the log, and what was read before stays in force.
impl Follow for Trust {
    async fn look(&self, why: Look) {
        let Some(files) = &self.files else {
            return;
        };
        let error = self.read_again(files).err().map(|error| error.to_string());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &error
            && (why == Look::Asked || told.as_ref() != Some(error))
        {
            tracing::error!(error, "the keys cannot be read again; the old ones stay");
        }
        *told = error;
    }

    fn may_change(&self) -> bool {
        self.files.is_some()
    }
}

impl Files {
    fn trusted(&self) -> Result<TrustedKeys, Error> {
        let text = read(&self.trusted, "keys.trusted")?;
        TrustedKeys::parse(&text).map_err(|error| in_file(&self.trusted, &error))
    }

    fn seed(&self, service: Service) -> Result<[u8; 32], Error> {
        let path = match self.alone && !self.private.is_dir() {
            true => self.private.clone(),
            false => self.private.join(format!("{service}.key")),
        };
        let text = read(&path, "keys.private")?;
        signing_seed_from_text(&text).map_err(|error| in_file(&path, &error))
    }

    /// A key that nobody trusts would have every call refused.
    fn check(&self, trusted: &TrustedKeys, signer: &TokenSigner) -> Result<(), Error> {
        let service = signer.service();
        if trusted.trusts(service, &signer.public_key()) {
            return Ok(());
        }
        Err(Error::invalid(
            "trusted_keys",
            format!(
                "{} does not hold the public key that belongs to the private key of {service}. Hand \
                 out the file that was made with it (`techcommerce keys`) to all services.",
                self.trusted.display()
            ),
        ))
    }
}

fn needed(path: Option<&PathBuf>, key: &str) -> Result<PathBuf, Error> {
    path.cloned().ok_or_else(|| {
        Error::invalid(
            "configuration",
            format!(
                "{key} is not set. Services that run apart know each other by keys: make them with \
                 `techcommerce keys FOLDER`, and name that folder as keys.private and its file \
                 trusted-keys as keys.trusted."
            ),
        )
    })
}

fn read(path: &Path, key: &str) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        Error::invalid(
            "configuration",
            format!("{key}: cannot read {path}: {error}. `techcommerce keys` makes the keys."),
        )
    })
}

fn in_file(path: &Path, error: &Error) -> Error {
    Error::invalid(
        "configuration",
        format!("{}: {}", path.display(), error.message()),
    )
}
