language = English
skip = Skip to the content
navigation = Pages
languages = Languages
terms = Terms of service
privacy = Privacy policy
problem-prefix = Error:
problem-title = There is a problem
show-password = Show password
hide-password = Hide password
copy = Copy
copied = Copied
continue = Continue
save = Save
cancel = Cancel
try-again = Try again
begin-again = Begin again

username = Username
password = Password
new-password = New password
code = Code
code-hint = The six digits that your authenticator app shows, or one of your recovery codes.
code-if-any = Only if you have set up two-step sign-in.
keep = Keep me signed in on this device

login-title = Sign in
login-button = Sign in
login-link = Go to sign-in
login-again-title = Confirm that it is you
login-again-text = Sign in once more to go on with this.
login-code-title = Enter your code
login-code-text = Your account asks for a second step.
login-password-title = Choose a new password
login-password-text = Your password has expired, or must be changed before you go on.
forgot-link = Forgot your password?
signup-question = No account yet?
signup-link = Sign up
logout-title = Sign out
logout-button = Sign out
done-logout = You are signed out.

account-title = Your account
admin-title = Administration
signed-in-as = Signed in as { $name }
profile-title = Your profile
display-name = Display name
first-name = First name
middle-name = Middle name
last-name = Last name
done-profile = Your profile was saved.

wait-seconds = { $count ->
    [one] Too many attempts. Try again in { $count } second.
   *[other] Too many attempts. Try again in { $count } seconds.
 }
wait-minutes = { $count ->
    [one] Too many attempts. Try again in { $count } minute.
   *[other] Too many attempts. Try again in { $count } minutes.
 }
foreign-form-title = This was not sent from here
foreign-form-text = The form was sent by another web site. Nothing was changed.
old-form-title = This form is too old
old-form-text = Nothing was changed. Open the page again and send it once more. Your browser must accept cookies, and the address must begin with https.
busy-title = Too much to do
busy-text = The server cannot answer for the moment. Try again in a few seconds.
refused-title = This cannot be done
refused-text = The request cannot be served.
fault-title = Something went wrong
fault-text = It is our fault, and was noted. Try again later.
fault-id = Number of this request: { $id }

login-E005001 = Username or password is wrong.
login-code-E005001 = The code is wrong or was used before, or it took too long. Try the next code, or begin again.
error-other = This is not allowed.
error-E001001 = This username cannot be used.
error-E001002 = This username is taken.
error-E001003 = This username is too long.
error-E001004 = A username has no spaces in it.
error-E002001 = This is not an email address.
error-E002002 = This email address is taken.
error-E002003 = This email address is too long.
error-E002004 = An email address has no spaces in it.
error-E002005 = Enter your email address.
error-E003001 = Choose another password: this one cannot be used.
error-E003002 = This password is too short.
error-E003003 = This password is too long.
error-E003008 = This password is too easy to guess. Make it longer, or mix words.
error-E005001 = This is not allowed, or the password or code is wrong.
error-E005002 = This account is locked.
error-E005003 = The email address of this account is not confirmed yet.
error-E005004 = This account is not approved yet.
error-E005008 = Enter a code.
error-E008002 = This cannot be used here.
error-E008003 = Fill in what is missing.

signup-title = Create an account
signup-button = Create account
signup-terms = By creating an account you accept the terms at the foot of this page.
signup-closed-title = No sign-up
signup-closed-text = Accounts cannot be created here. Ask the people who run this site for one.
signup-done-title = Check your email
signup-done-text = If the address can be used, a message with a link is on its way to it. Follow the link to confirm your account.
login-question = Have an account already?
email = Email address
email-optional = Email address (optional)
display-name-optional = Display name (optional)
password-hint = { $count ->
    [one] At least { $count } character. Several words are easy to remember and hard to guess.
   *[other] At least { $count } characters. Several words are easy to remember and hard to guess.
 }
resend-link = No message has come?
resend-title = Send the message again
resend-text = If an account waits to be confirmed, it gets its message once more.
username-or-email = Username or email address
send = Send
token = Code from the email
token-hint = Copy the link from the email, or the code in it, if this field is empty.
confirm-signup-title = Confirm your account
confirm-signup-text = One step is left: confirm that it was you who created this account.
confirm-email-title = Confirm your email address
confirm-email-text = Confirm that this address is to be the one of your account.
confirm-button = Confirm
done-signup = Your account is confirmed. You can sign in now.
done-approval = Your account is confirmed. You can sign in as soon as it is approved.
done-email = Your email address was saved.
done-email-sent = A message is on its way to the new address. Follow the link in it to confirm the change.
forgot-title = Forgot your password?
forgot-text = Tell us who you are. If you have an account with an email address, you get a message with a link to choose a new password.
sent-title = Check your email
sent-text = If there is such an account, a message with a link is on its way to it. The link can be used once.
reset-title = Choose a new password
forgot-again = Ask for another message
done-password = Your password was changed.
reset-E010001 = This code is wrong, was used before, or is too old. Ask for another message.
error-E005006 = This code is wrong, was used before, or is too old.
error-E005007 = This account is confirmed already.

security-title = Sign-in and security
email-title = Email address
email-now = Your email address: { $email }
email-new = New email address
email-hint = You may have to confirm it by a link that is sent there.
password-title = Change password
old-password = Current password
account-password-E005001 = The current password is wrong.
two-factor-title = Two-step sign-in
two-factor-text = With a second step, your password alone is not enough to sign in: an app on your phone shows a code that is asked for as well.
two-factor-on = Two-step sign-in is on.
two-factor-button = Turn on two-step sign-in
two-factor-off-title = Turn off
two-factor-off-button = Turn off two-step sign-in
done-two-factor-off = Two-step sign-in is off.
done-second-factor = Turn on two-step sign-in to use the administration.
is-on = On
is-off = Off
none = None
set-up-title = Set up your app
set-up-text = Scan this picture with an authenticator app.
qr-code = QR code with the key below
key-text = Or type this key into the app:
set-up-hint = The six digits that the app shows now.
account-set-up-E005001 = The code is wrong. Enter the one that the app shows now.
codes-title = Recovery codes
codes-text = Keep these codes in a safe place. Each lets you sign in once without the app. They are not shown again, and earlier ones do not work any more.
codes-left = { $count ->
    [one] You have { $count } code left.
   *[other] You have { $count } codes left.
 }
codes-button = Make new codes
sessions-title = Where you are signed in
sessions-text = End what you do not know, then change your password.
sessions = Sessions
unknown-program = Unknown program
this-session = this one
session-from = From { $address }
session-seen = Last used:
session-began = Signed in:
end = End
end-of = End the session of { $name }
end-others = End all others
end-all = End all sessions
done-session = Ended.
data-title = Your data
data-text = A file with what is stored about you: profile, sessions, attributes.
data-button = Download
back-to-account = Back to your account

admin-users = Users
admin-sites = Sites
search = Search
search-label = Part of a username, or a whole email address
list-label = List
list-all = All users
list-waiting = Waiting for approval
list-rejected = Rejected
list-unconfirmed = Not confirmed
found = { $count ->
    [one] { $count } user
   *[other] { $count } users
 }
found-none = No users were found.
status = Status
signed-up = Signed up
status-before-decision = not approved
status-approved = approved
status-rejected = rejected
status-locked = locked
status-super-user = super-user
previous = Previous
next = Next
page-of = Page { $page } of { $pages }
approve = Approve
reject = Reject
lock = Lock
unlock = Unlock
send-reset = Send a link for a new password
done-approved = The user was approved.
done-rejected = The user was rejected.
done-locked = The user was locked.
done-unlocked = The user was unlocked.
done-deleted = The user was deleted.
done-reset = A message is on its way.
details = Details
attributes = Attributes
encrypted = encrypted
delete-title = Delete
delete-question = Delete this user …
delete-text = The user is gone for good, with all sessions and attributes.
delete = Delete for good
no-user-title = No such user
no-user-text = The user may have been deleted.
site-name = Site
public-key = Public key
trusted = trusted
callbacks = Callbacks
error-E001100 = There is no such user.
error-E007001 = This session has ended already.
