//! The keys of the store of pictures.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::Value;
use techcommerce_testkit::TestS3;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{RwLock, watch};

use super::{IN_FORCE, Load, REFUSED, count, ensure_untold, said};
use crate::journeys::pictures::{FORM, wide};
use crate::mounted::Mounted;
use crate::shop::{Engine, Setup};
use crate::staff::text;

const KEY: &str = "images.s3_access_key";

/// The address of a store that can be led to another server, as one whose keys are changed: the
/// connections to the one before end.
struct Door {
    address: SocketAddr,
    leads_to: watch::Sender<SocketAddr>,
}

impl Door {
    async fn to(server: &TestS3) -> Result<Self> {
        let socket = TcpListener::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let (leads_to, target) = watch::channel(place(server)?);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let mut target = target.clone();
                tokio::spawn(async move {
                    let server = *target.borrow_and_update();
                    let Ok(mut inside) = TcpStream::connect(server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut stream, &mut inside) => {}
                        _ = target.changed() => {}
                    }
                });
            }
        });
        Ok(Self { address, leads_to })
    }

    fn lead_to(&self, server: &TestS3) -> Result<()> {
        self.leads_to.send_replace(place(server)?);
        Ok(())
    }
}

fn place(server: &TestS3) -> Result<SocketAddr> {
    let place = server.endpoint.strip_prefix("http://").context("http")?;
    Ok(place.parse()?)
}

fn keys(server: &TestS3) -> [(&'static str, &str); 2] {
    [
        ("access-key", &server.access_key),
        ("secret-key", &server.secret_key),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_changed_while_pictures_come_and_go() -> Result<()> {
    let first = TestS3::own();
    let second = first.with_other_keys();
    let third = first.with_other_keys();
    let door = Door::to(&first).await?;
    let setup = Setup::new(Engine::Sqlite).await;
    let mounted = Mounted::at(setup.folder().join("object-store"));
    mounted.put(&keys(&first))?;
    let mut shop = setup
        .set(
            "TECHCOMMERCE_IMAGES_STORE",
            &format!("s3://{}/{}", first.bucket, first.prefix),
        )
        .set(
            "TECHCOMMERCE_IMAGES_S3_ENDPOINT",
            &format!("http://{}", door.address),
        )
        .set(
            "TECHCOMMERCE_IMAGES_S3_ACCESS_KEY_FILE",
            &mounted.file("access-key"),
        )
        .set(
            "TECHCOMMERCE_IMAGES_S3_SECRET_KEY_FILE",
            &mounted.file("secret-key"),
        )
        .start()
        .await?;
    let staff = shop.admin().await?;
    let upload = async || -> Result<String> {
        let form = staff.post("/api/images/upload").body(FORM, wide()?);
        let uploaded: Value = form.value(201).await?;
        text(&uploaded, "/url")
    };
    let url = upload().await?;
    // Whoever asks just when a server ends gets no answer, whatever the keys are: that is not what
    // is tried here, so the door turns between two requests.
    let turning = Arc::new(RwLock::new(()));
    let (client, between) = (shop.plain_client(), Arc::clone(&turning));
    let mut load = Load::of(3, move || {
        let (client, url, between) = (client.clone(), url.clone(), Arc::clone(&between));
        async move {
            let _between = between.read().await;
            client.get(&url).expect(200).await.map(drop)
        }
    });
    load.go_on(10).await?;

    // The files first; the store knows the keys of before, then only the others.
    mounted.put(&keys(&second))?;
    said(&shop, REFUSED, KEY, 1).await?;
    load.go_on(10).await?;
    {
        let _turns = turning.write().await;
        door.lead_to(&second)?;
    }
    load.go_on(20).await?;
    upload().await?;
    said(&shop, IN_FORCE, KEY, 1).await?;

    // Both at a time: the next request is refused, looks at the files and is made again.
    {
        let _turns = turning.write().await;
        mounted.put(&keys(&third))?;
        door.lead_to(&third)?;
    }
    load.go_on(20).await?;
    upload().await?;
    said(&shop, IN_FORCE, KEY, 2).await?;
    println!("{} pictures, none failed", load.end().await?);
    // Of the last ones too, if it was looked between the two.
    assert!(count(&shop, REFUSED, KEY) <= 2, "said once");
    let servers = [&first, &second, &third];
    let secrets = servers.map(|server| [&*server.access_key, &*server.secret_key]);
    ensure_untold(&shop, secrets.as_flattened())?;
    shop.stop().await
}
