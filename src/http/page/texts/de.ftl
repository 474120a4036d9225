language = Deutsch
skip = Zum Inhalt springen
navigation = Seiten
languages = Sprachen
terms = Nutzungsbedingungen
privacy = Datenschutz
problem-prefix = Fehler:
problem-title = Es gibt ein Problem
show-password = Passwort anzeigen
hide-password = Passwort verbergen
copy = Kopieren
copied = Kopiert
continue = Weiter
save = Speichern
cancel = Abbrechen
try-again = Noch einmal versuchen
begin-again = Von vorn beginnen

username = Benutzername
password = Passwort
new-password = Neues Passwort
code = Code
code-hint = Die sechs Ziffern, die Ihre Authenticator-App anzeigt, oder einer Ihrer Wiederherstellungscodes.
code-if-any = Nur wenn Sie die Anmeldung in zwei Schritten eingerichtet haben.
keep = Auf diesem Gerät angemeldet bleiben

login-title = Anmelden
login-button = Anmelden
login-link = Zur Anmeldung
login-again-title = Bestätigen Sie, dass Sie es sind
login-again-text = Melden Sie sich dafür noch einmal an.
login-code-title = Code eingeben
login-code-text = Ihr Konto verlangt einen zweiten Schritt.
login-password-title = Neues Passwort wählen
login-password-text = Ihr Passwort ist abgelaufen oder muss geändert werden, bevor es weitergeht.
forgot-link = Passwort vergessen?
signup-question = Noch kein Konto?
signup-link = Registrieren
logout-title = Abmelden
logout-button = Abmelden
done-logout = Sie sind abgemeldet.

account-title = Ihr Konto
admin-title = Verwaltung
signed-in-as = Angemeldet als { $name }
profile-title = Ihr Profil
display-name = Anzeigename
first-name = Vorname
middle-name = Zweiter Vorname
last-name = Nachname
done-profile = Ihr Profil wurde gespeichert.

wait-seconds = { $count ->
    [one] Zu viele Versuche. Versuchen Sie es in { $count } Sekunde noch einmal.
   *[other] Zu viele Versuche. Versuchen Sie es in { $count } Sekunden noch einmal.
 }
wait-minutes = { $count ->
    [one] Zu viele Versuche. Versuchen Sie es in { $count } Minute noch einmal.
   *[other] Zu viele Versuche. Versuchen Sie es in { $count } Minuten noch einmal.
 }
foreign-form-title = Das wurde nicht von hier gesendet
foreign-form-text = Eine andere Website hat das Formular gesendet. Nichts wurde geändert.
old-form-title = Dieses Formular ist zu alt
old-form-text = Nichts wurde geändert. Öffnen Sie die Seite neu und senden Sie das Formular noch einmal. Ihr Browser muss Cookies annehmen, und die Adresse muss mit https beginnen.
busy-title = Zu viel zu tun
busy-text = Der Server kann im Moment nicht antworten. Versuchen Sie es in ein paar Sekunden noch einmal.
refused-title = Das geht nicht
refused-text = Die Anfrage kann nicht bearbeitet werden.
fault-title = Etwas ist schiefgegangen
fault-text = Der Fehler liegt bei uns und wurde notiert. Versuchen Sie es später noch einmal.
fault-id = Nummer dieser Anfrage: { $id }

login-E005001 = Benutzername oder Passwort ist falsch.
login-code-E005001 = Der Code ist falsch, wurde schon benutzt, oder es hat zu lange gedauert. Versuchen Sie den nächsten Code, oder beginnen Sie von vorn.
error-other = Das ist nicht erlaubt.
error-E001001 = Dieser Benutzername ist nicht möglich.
error-E001002 = Dieser Benutzername ist vergeben.
error-E001003 = Dieser Benutzername ist zu lang.
error-E001004 = Ein Benutzername enthält keine Leerzeichen.
error-E002001 = Das ist keine E-Mail-Adresse.
error-E002002 = Diese E-Mail-Adresse ist vergeben.
error-E002003 = Diese E-Mail-Adresse ist zu lang.
error-E002004 = Eine E-Mail-Adresse enthält keine Leerzeichen.
error-E002005 = Geben Sie Ihre E-Mail-Adresse ein.
error-E003001 = Wählen Sie ein anderes Passwort: dieses ist nicht möglich.
error-E003002 = Dieses Passwort ist zu kurz.
error-E003003 = Dieses Passwort ist zu lang.
error-E003008 = Dieses Passwort ist zu leicht zu erraten. Machen Sie es länger, oder mischen Sie Wörter.
error-E005001 = Das ist nicht erlaubt, oder Passwort oder Code ist falsch.
error-E005002 = Dieses Konto ist gesperrt.
error-E005003 = Die E-Mail-Adresse dieses Kontos ist noch nicht bestätigt.
error-E005004 = Dieses Konto ist noch nicht freigegeben.
error-E005008 = Geben Sie einen Code ein.
error-E008002 = Das ist hier nicht möglich.
error-E008003 = Füllen Sie aus, was fehlt.

signup-title = Konto anlegen
signup-button = Konto anlegen
signup-terms = Mit dem Konto nehmen Sie die Bedingungen am Ende dieser Seite an.
signup-closed-title = Keine Registrierung
signup-closed-text = Hier können keine Konten angelegt werden. Fragen Sie die Betreiber dieser Website danach.
signup-done-title = Sehen Sie in Ihre E-Mails
signup-done-text = Wenn die Adresse benutzt werden kann, ist eine Nachricht mit einem Link unterwegs. Folgen Sie dem Link, um Ihr Konto zu bestätigen.
login-question = Schon ein Konto?
email = E-Mail-Adresse
email-optional = E-Mail-Adresse (freiwillig)
display-name-optional = Anzeigename (freiwillig)
password-hint = { $count ->
    [one] Mindestens { $count } Zeichen. Mehrere Wörter sind leicht zu merken und schwer zu erraten.
   *[other] Mindestens { $count } Zeichen. Mehrere Wörter sind leicht zu merken und schwer zu erraten.
 }
resend-link = Keine Nachricht bekommen?
resend-title = Nachricht noch einmal senden
resend-text = Wenn ein Konto auf seine Bestätigung wartet, bekommt es seine Nachricht noch einmal.
username-or-email = Benutzername oder E-Mail-Adresse
send = Senden
token = Code aus der E-Mail
token-hint = Kopieren Sie den Link oder den Code aus der E-Mail, wenn dieses Feld leer ist.
confirm-signup-title = Konto bestätigen
confirm-signup-text = Ein Schritt fehlt noch: bestätigen Sie, dass Sie dieses Konto angelegt haben.
confirm-email-title = E-Mail-Adresse bestätigen
confirm-email-text = Bestätigen Sie, dass diese Adresse die Ihres Kontos sein soll.
confirm-button = Bestätigen
done-signup = Ihr Konto ist bestätigt. Sie können sich jetzt anmelden.
done-approval = Ihr Konto ist bestätigt. Sie können sich anmelden, sobald es freigegeben ist.
done-email = Ihre E-Mail-Adresse wurde gespeichert.
done-email-sent = Eine Nachricht an die neue Adresse ist unterwegs. Folgen Sie dem Link darin, um die Änderung zu bestätigen.
forgot-title = Passwort vergessen?
forgot-text = Sagen Sie uns, wer Sie sind. Wenn Sie ein Konto mit E-Mail-Adresse haben, bekommen Sie eine Nachricht mit einem Link für ein neues Passwort.
sent-title = Sehen Sie in Ihre E-Mails
sent-text = Wenn es ein solches Konto gibt, ist eine Nachricht mit einem Link unterwegs. Der Link gilt einmal.
reset-title = Neues Passwort wählen
forgot-again = Um eine weitere Nachricht bitten
done-password = Ihr Passwort wurde geändert.
reset-E010001 = Dieser Code ist falsch, wurde schon benutzt oder ist zu alt. Bitten Sie um eine weitere Nachricht.
error-E005006 = Dieser Code ist falsch, wurde schon benutzt oder ist zu alt.
error-E005007 = Dieses Konto ist schon bestätigt.

security-title = Anmeldung und Sicherheit
email-title = E-Mail-Adresse
email-now = Ihre E-Mail-Adresse: { $email }
email-new = Neue E-Mail-Adresse
email-hint = Sie müssen sie vielleicht durch einen Link bestätigen, der dorthin gesendet wird.
password-title = Passwort ändern
old-password = Bisheriges Passwort
account-password-E005001 = Das bisherige Passwort ist falsch.
two-factor-title = Anmeldung in zwei Schritten
two-factor-text = Mit einem zweiten Schritt genügt Ihr Passwort allein nicht: eine App auf Ihrem Telefon zeigt einen Code, nach dem zusätzlich gefragt wird.
two-factor-on = Die Anmeldung in zwei Schritten ist eingeschaltet.
two-factor-button = Anmeldung in zwei Schritten einschalten
two-factor-off-title = Ausschalten
two-factor-off-button = Anmeldung in zwei Schritten ausschalten
done-two-factor-off = Die Anmeldung in zwei Schritten ist ausgeschaltet.
done-second-factor = Schalten Sie die Anmeldung in zwei Schritten ein, um die Verwaltung zu benutzen.
is-on = Ein
is-off = Aus
none = Keine
set-up-title = App einrichten
set-up-text = Lesen Sie dieses Bild mit einer Authenticator-App ein.
qr-code = QR-Code mit dem Schlüssel darunter
key-text = Oder geben Sie diesen Schlüssel in die App ein:
set-up-hint = Die sechs Ziffern, die die App jetzt anzeigt.
account-set-up-E005001 = Der Code ist falsch. Geben Sie den ein, den die App jetzt anzeigt.
codes-title = Wiederherstellungscodes
codes-text = Bewahren Sie diese Codes sicher auf. Mit jedem können Sie sich einmal ohne die App anmelden. Sie werden nicht wieder angezeigt, und frühere gelten nicht mehr.
codes-left = { $count ->
    [one] Sie haben noch { $count } Code.
   *[other] Sie haben noch { $count } Codes.
 }
codes-button = Neue Codes erzeugen
sessions-title = Wo Sie angemeldet sind
sessions-text = Beenden Sie, was Sie nicht kennen, und ändern Sie dann Ihr Passwort.
sessions = Sitzungen
unknown-program = Unbekanntes Programm
this-session = diese hier
session-from = Von { $address }
session-seen = Zuletzt benutzt:
session-began = Angemeldet:
end = Beenden
end-of = Sitzung von { $name } beenden
end-others = Alle anderen beenden
end-all = Alle Sitzungen beenden
done-session = Beendet.
data-title = Ihre Daten
data-text = Eine Datei mit dem, was über Sie gespeichert ist: Profil, Sitzungen, Attribute.
data-button = Herunterladen
back-to-account = Zurück zu Ihrem Konto

admin-users = Benutzer
admin-sites = Websites
search = Suchen
search-label = Teil eines Benutzernamens oder eine ganze E-Mail-Adresse
list-label = Liste
list-all = Alle Benutzer
list-waiting = Warten auf Freigabe
list-rejected = Abgelehnt
list-unconfirmed = Nicht bestätigt
found = { $count ->
    [one] { $count } Benutzer
   *[other] { $count } Benutzer
 }
found-none = Keine Benutzer gefunden.
status = Status
signed-up = Registriert
status-before-decision = nicht freigegeben
status-approved = freigegeben
status-rejected = abgelehnt
status-locked = gesperrt
status-super-user = Super-User
previous = Zurück
next = Weiter
page-of = Seite { $page } von { $pages }
approve = Freigeben
reject = Ablehnen
lock = Sperren
unlock = Entsperren
send-reset = Link für ein neues Passwort senden
done-approved = Der Benutzer wurde freigegeben.
done-rejected = Der Benutzer wurde abgelehnt.
done-locked = Der Benutzer wurde gesperrt.
done-unlocked = Der Benutzer wurde entsperrt.
done-deleted = Der Benutzer wurde gelöscht.
done-reset = Eine Nachricht ist unterwegs.
details = Einzelheiten
attributes = Attribute
encrypted = verschlüsselt
delete-title = Löschen
delete-question = Diesen Benutzer löschen …
delete-text = Der Benutzer wird endgültig gelöscht, mit allen Sitzungen und Attributen.
delete = Endgültig löschen
no-user-title = Kein solcher Benutzer
no-user-text = Der Benutzer wurde vielleicht gelöscht.
site-name = Website
public-key = Öffentlicher Schlüssel
trusted = vertrauenswürdig
callbacks = Rücksprungadressen
error-E001100 = Diesen Benutzer gibt es nicht.
error-E007001 = Diese Sitzung ist schon beendet.
