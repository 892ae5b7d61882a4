//! What the tests of pictures share.

#![allow(dead_code, reason = "each test file uses some of it")]

pub mod faulty;

use std::io::Cursor;

use axum::body::{Body, Bytes};
use futures_util::TryStreamExt;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use serde_json::Value;
use techcommerce_contracts::{Principal, Role, Service, TokenSigner};
use techcommerce_images::{Built, Builtin, Deps, S3, Store, build};
use techcommerce_jobs::Wake;
use techcommerce_kernel::{Env, ManualClock, Uuid};
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::{Dialect, TempDir, TestDb, TestS3};
use tower::ServiceExt;

pub const BOUNDARY: &str = "techcommerce-test-boundary";

/// The service with a database and a store of its own: with SQLite a folder, as a shop on one
/// machine has it, and with PostgreSQL an S3 server, as a shop on many has it.
pub struct Shop {
    pub built: Built,
    pub env: Env,
    pub clock: ManualClock,
    pub folder: TempDir,
    pub telemetry: Telemetry,
    pub store: Store,
    signer: TokenSigner,
    db: TestDb,
}

impl Shop {
    pub fn new(db: TestDb) -> Self {
        Self::with_builtin(db, Builtin::default())
    }

    pub fn with_builtin(db: TestDb, builtin: Builtin) -> Self {
        let folder = techcommerce_testkit::folder();
        let store = match db.db().dialect() {
            Dialect::Sqlite => Store::folder(&folder.path().join("store")).unwrap(),
            Dialect::Postgres => s3(&TestS3::new()),
        };
        Self::put_together(db, store, builtin, folder)
    }

    pub fn with_store(db: TestDb, store: Store) -> Self {
        Self::put_together(
            db,
            store,
            Builtin::default(),
            techcommerce_testkit::folder(),
        )
    }

    fn put_together(db: TestDb, store: Store, builtin: Builtin, folder: TempDir) -> Self {
        let (env, clock) = techcommerce_testkit::env();
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let telemetry = Telemetry::new("test", "test");
        let built = build(Deps {
            env: env.clone(),
            db: db.db(),
            store: store.clone(),
            incoming: folder.path().join("incoming"),
            builtin,
            wake: Wake::default(),
            telemetry: telemetry.clone(),
            verifier: signer.verifier(),
        });
        Self {
            built,
            env,
            clock,
            folder,
            telemetry,
            store,
            signer,
            db,
        }
    }

    /// Another process with the same database, and this store.
    pub fn beside(&self, store: Store) -> Built {
        build(Deps {
            env: self.env.clone(),
            db: self.db.db(),
            store,
            incoming: self.folder.path().join("incoming-too"),
            builtin: Builtin::default(),
            wake: Wake::default(),
            telemetry: Telemetry::new("test", "test"),
            verifier: self.signer.verifier(),
        })
    }

    /// Runs the jobs that wait; their kinds.
    pub async fn work(&self) -> Vec<String> {
        let ran = self.built.jobs.drain().await.unwrap();
        ran.into_iter().map(|ran| ran.kind).collect()
    }

    pub fn token(&self, principal: Principal) -> String {
        self.signer.sign(principal, None).unwrap().0
    }

    pub fn staff(&self) -> String {
        self.token(Principal::ApiKey {
            id: Uuid::nil(),
            role: Role::Staff,
        })
    }

    pub fn service(&self) -> String {
        self.token(Principal::Service {
            name: Service::ProductApi,
        })
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.built.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> (StatusCode, http::HeaderMap, Bytes) {
        let answer = self
            .send(Request::get(path).body(Body::empty()).unwrap())
            .await;
        let (head, body) = answer.into_parts();
        (
            head.status,
            head.headers,
            body.collect().await.unwrap().to_bytes(),
        )
    }

    /// Uploads as staff; the answer's status and document.
    pub async fn upload(&self, name: &str, file: &[u8]) -> (StatusCode, Value) {
        self.upload_as(Some(self.staff()), form(name, file)).await
    }

    pub async fn upload_as(&self, token: Option<String>, form: Vec<u8>) -> (StatusCode, Value) {
        let mut request = Request::post("/images/upload").header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        );
        if let Some(token) = token {
            request = request.header("x-techcommerce-token", token);
        }
        json(self.send(request.body(Body::from(form)).unwrap()).await).await
    }

    /// The names of all files in the store.
    pub async fn stored(&self) -> Vec<String> {
        let files: Vec<_> = self.store.objects().list(None).try_collect().await.unwrap();
        let mut names: Vec<_> = files
            .into_iter()
            .map(|file| file.location.to_string())
            .collect();
        names.sort();
        names
    }

    pub async fn put(&self, name: &str, bytes: &[u8]) {
        let payload = PutPayload::from(bytes.to_vec());
        self.store
            .objects()
            .put(&Path::from(name), payload)
            .await
            .unwrap();
    }

    pub async fn remove(&self, name: &str) {
        self.store
            .objects()
            .delete(&Path::from(name))
            .await
            .unwrap();
    }

    /// What a staff path answers to staff.
    pub async fn ask(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path)
            .header("x-techcommerce-token", self.staff())
            .body(Body::empty())
            .unwrap();
        json(self.send(request).await).await
    }

    /// The value of a metric.
    pub fn counted(&self, outcome: &str) -> u64 {
        let line = format!("techcommerce_image_uploads_total{{outcome=\"{outcome}\"}} ");
        let text = self.telemetry.encode();
        let value = text.lines().find_map(|text| text.strip_prefix(&line));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// How many uploads lie half-way.
    pub fn incoming(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("incoming")).map_or(0, Iterator::count)
    }
}

/// The store at this place.
pub fn s3(place: &TestS3) -> Store {
    Store::s3(&S3 {
        bucket: place.bucket.clone(),
        prefix: place.prefix.clone(),
        endpoint: place.endpoint.clone(),
        region: "us-east-1".into(),
        keys: Some((place.access_key.clone(), place.secret_key.clone())),
        ca_file: None,
    })
    .unwrap()
}

pub async fn json(answer: Response<Body>) -> (StatusCode, Value) {
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

pub fn form(name: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nnot this\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: image/gif\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    [head.as_bytes(), file, tail.as_bytes()].concat()
}

/// A picture whose left half is red and whose right half is blue.
pub fn halves(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgb([220, 20, 20])
        } else {
            Rgb([20, 20, 220])
        }
    })
    .into()
}

/// A picture that is see-through on the right.
pub fn glass(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| {
        Rgba([200, 100, 0, if x < width / 2 { 255 } else { 0 }])
    })
    .into()
}

pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn webp(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory_with_format(bytes, ImageFormat::WebP).unwrap()
}

/// A chunk of a PNG.
pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, kind.as_slice(), data, &crc.sum().to_be_bytes()].concat()
}
