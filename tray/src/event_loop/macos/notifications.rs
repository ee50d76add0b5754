//! Notifications, from the bundle only: asked for by a program outside of one, the notification center ends the process.

use std::path::Path;

use block2::RcBlock;
use objc2::runtime::Bool;
use objc2_foundation::{NSBundle, NSError, NSString};
use objc2_user_notifications::{
    UNAuthorizationOptions, UNMutableNotificationContent, UNNotificationRequest, UNUserNotificationCenter,
};

use crate::cases::Notice;

/// Shows a notification. The system asks the user the first time whether it may; where it may not, the menu says the same.
pub(super) fn tell(notice: &Notice) {
    if !is_in_a_bundle() {
        return;
    }
    let center = UNUserNotificationCenter::currentNotificationCenter();
    let asked = RcBlock::new(|_granted: Bool, _error: *mut NSError| {});
    center.requestAuthorizationWithOptions_completionHandler(UNAuthorizationOptions::Alert, &asked);

    let content = UNMutableNotificationContent::new();
    content.setTitle(&NSString::from_str(&notice.title));
    content.setBody(&NSString::from_str(&notice.body));
    // One that says the same takes the place of the one before.
    let identifier = NSString::from_str(&notice.body);
    let request = UNNotificationRequest::requestWithIdentifier_content_trigger(&identifier, &content, None);
    center.addNotificationRequest_withCompletionHandler(&request, None);
}

fn is_in_a_bundle() -> bool {
    let bundle = NSBundle::mainBundle();
    let path = bundle.bundlePath().to_string();
    bundle.bundleIdentifier().is_some() && Path::new(&path).extension().is_some_and(|it| it == "app")
}
