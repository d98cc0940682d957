(* Rational data: X = XQ D, y = yQ D for a common denominator D; the loss of (XQ, yQ) is that of (X, y) over D^2. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact.
Import ListNotations.
Open Scope R_scope.

Fixpoint dotq (x : list Q) (u : rvec) : R :=
  match x with [] => 0 | a :: x' => Q2R a * u O + dotq x' (fun i => u (S i)) end.
Definition netq (m : nat) (W : nat -> rvec) (a : nat -> R) (x : list Q) : R :=
  sumlt m (fun j => a j * Rmax 0 (dotq x (W j))).
Fixpoint sqerrq (F : list Q -> R) (X : list (list Q)) (y : list Q) : R :=
  match X, y with x :: X', v :: y' => (F x - Q2R v) ^ 2 + sqerrq F X' y' | _, _ => 0 end.
Definition lossq X y m W a : R := / 2 * sqerrq (netq m W a) X y.

Definition barrier_withinq X y m d lab ball A B (lower upper : R) : Prop :=
  (forall W a, connects m d lab ball A B W a -> exists t, 0 <= t <= 1 /\ lossq X y m (W t) (a t) >= lower) /\
  (exists W a, connects m d lab ball A B W a /\ forall t, 0 <= t <= 1 -> lossq X y m (W t) (a t) <= upper).
Definition is_barrierq X y m d lab ball A B (b : R) : Prop := barrier_withinq X y m d lab ball A B b b.

(* q D = z *)
Definition scaled1 (D : Z) (q : Q) (z : Z) : bool := Z.eqb (Qnum q * D) (z * Zpos (Qden q)).
Fixpoint all2 {A B} (f : A -> B -> bool) (l : list A) (l' : list B) : bool :=
  match l, l' with [], [] => true | a :: l, b :: l' => f a b && all2 f l l' | _, _ => false end.
Definition scaled (D : Z) (XQ : list (list Q)) (yQ : list Q) (X : list row) (y : list Z) : bool :=
  Z.ltb 0 D && all2 (all2 (scaled1 D)) XQ X && all2 (scaled1 D) yQ y.

Lemma scaled1_R : forall D q z, scaled1 D q z = true -> IZR z = IZR D * Q2R q.
Proof.
  intros D q z H. apply Z.eqb_eq in H. apply (f_equal IZR) in H. rewrite !mult_IZR in H. unfold Q2R.
  assert (IZR (Zpos (Qden q)) <> 0) by (apply not_0_IZR; discriminate).
  apply Rmult_eq_reg_r with (IZR (Zpos (Qden q))); auto. rewrite <- H. field. auto.
Qed.

Lemma dot_scaled : forall D xq x u, all2 (scaled1 D) xq x = true -> dot x u = IZR D * dotq xq u.
Proof.
  intros D. induction xq as [|q xq IH]; intros [|z x] u H; cbn [all2 dot dotq] in *; try discriminate; [ring|].
  apply andb_prop in H as [H1 H2]. rewrite (scaled1_R D q z H1), (IH x _ H2). ring.
Qed.

Lemma loss_scaled : forall D XQ yQ X y m W a, scaled D XQ yQ X y = true ->
  loss X y m W a = IZR D * IZR D * lossq XQ yQ m W a.
Proof.
  intros D XQ yQ X y m W a H. unfold scaled in H. rewrite !andb_true_iff in H. destruct H as [[HD HX] Hy].
  apply Z.ltb_lt, IZR_lt in HD. unfold loss, lossq.
  assert (E : sqerr (net m W a) X y = IZR D * IZR D * sqerrq (netq m W a) XQ yQ); [|rewrite E; ring].
  revert X y yQ HX Hy. induction XQ as [|xq XQ IH]; intros [|x X] [|v y] [|q yQ] HX Hy;
    cbn [all2 sqerr sqerrq] in *; try discriminate; try ring.
  apply andb_prop in HX as [H1 H2]. apply andb_prop in Hy as [H3 H4].
  rewrite (IH X y yQ H2 H4), (scaled1_R D q v H3).
  assert (N : net m W a x = IZR D * netq m W a xq).
  { unfold net, netq. rewrite <- sumlt_scale. apply sumlt_ext. intros j Hj. rewrite (dot_scaled D xq x _ H1).
    assert (M : Rmax 0 (IZR D * dotq xq (W j)) = IZR D * Rmax 0 (dotq xq (W j))).
    { destruct (Rle_dec 0 (dotq xq (W j))); [rewrite !Rmax_right by nra; ring|rewrite !Rmax_left by nra; ring]. }
    rewrite M. ring. }
  rewrite N. ring.
Qed.

(* the certificate is for (X, y); its values bn / bd and un / ud are D^2 times those said *)
Theorem barrier_exact_rational : forall D XQ yQ X y m d lab ball bn bd un ud A B C l B',
  scaled D XQ yQ X y && check_exact X y m d lab ball bn bd un ud A B C l B' = true ->
  barrier_withinq XQ yQ m d lab ball A B (IZR bn / (IZR bd * IZR D * IZR D)) (IZR un / (IZR ud * IZR D * IZR D)).
Proof.
  intros D XQ yQ X y m d lab ball bn bd un ud A B C l B' H. apply andb_prop in H as [HS H].
  pose proof (barrier_exact _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ H) as [Lo (W0 & a0 & Co & Up)].
  assert (HD : IZR D > 0).
  { unfold scaled in HS. rewrite !andb_true_iff in HS. destruct HS as [[HS _] _]. apply Z.ltb_lt, IZR_lt in HS. auto. }
  assert (Hbd : IZR bd > 0 /\ IZR ud > 0).
  { unfold check_exact in H. rewrite !andb_true_iff in H. destruct H as [[[[_ Hb] Hu] _] _].
    apply Z.ltb_lt, IZR_lt in Hb, Hu. auto. }
  assert (E : forall n k, IZR k > 0 -> IZR n / IZR k = IZR D * IZR D * (IZR n / (IZR k * IZR D * IZR D))) by (intros; field; lra).
  assert (DD : IZR D * IZR D > 0) by nra. rewrite E in Lo, Up by tauto. split.
  - intros W a HC. destruct (Lo W a HC) as (t & Ht & L). exists t. split; auto.
    rewrite (loss_scaled D XQ yQ X y m _ _ HS) in L. apply Rle_ge. apply Rge_le in L.
    apply Rmult_le_reg_l in L; auto.
  - exists W0, a0. split; auto. intros t Ht. specialize (Up t Ht).
    rewrite (loss_scaled D XQ yQ X y m _ _ HS) in Up. apply Rmult_le_reg_l in Up; auto.
Qed.
