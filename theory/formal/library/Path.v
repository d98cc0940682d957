(* Upper bounds: paths from network to network, all neurons inside closed cones; and their boolean checker. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Chain Isthmus.Perm Isthmus.Ball Isthmus.Definite Isthmus.Check.
Import ListNotations.
Open Scope R_scope.

Lemma cont01_comp : forall f g, cont01 g -> (forall t, 0 <= t <= 1 -> 0 <= g t <= 1) -> cont01 f -> cont01 (fun t => f (g t)).
Proof.
  intros f g Cg R Cf t Ht eps He. destruct (Cf (g t) (R t Ht) eps He) as (e & He' & H).
  destruct (Cg t Ht e He') as (e' & He'' & H'). exists e'. split; auto.
Qed.

Lemma cont01_id : cont01 (fun t => t).
Proof. intros t _ eps He. exists eps; auto. Qed.

Lemma cont01_lip : forall f k, 0 < k -> (forall s t, Rabs (f s - f t) <= k * Rabs (s - t)) -> cont01 f.
Proof.
  intros f k Hk H t _ eps He. exists (eps / k). split; [apply Rdiv_lt_0_compat; auto|].
  intros s _ L. eapply Rle_lt_trans; [apply H|]. apply Rmult_lt_compat_l with (r := k) in L; auto.
  replace (k * (eps / k)) with eps in L by (field; lra). auto.
Qed.

Definition lo t := Rmin 1 (2 * t).
Definition hi t := Rmax 0 (2 * t - 1).
Lemma lo_cont : cont01 lo.
Proof.
  apply (cont01_lip _ 2); [lra|]. intros s t. unfold lo, Rmin. unfold Rabs.
  repeat destruct Rle_dec; repeat destruct Rcase_abs; lra.
Qed.
Lemma hi_cont : cont01 hi.
Proof.
  apply (cont01_lip _ 2); [lra|]. intros s t. unfold hi, Rmax. unfold Rabs.
  repeat destruct Rle_dec; repeat destruct Rcase_abs; lra.
Qed.
Lemma lo_range : forall t, 0 <= t <= 1 -> 0 <= lo t <= 1.
Proof. intros t H. unfold lo, Rmin. destruct Rle_dec; lra. Qed.
Lemma hi_range : forall t, 0 <= t <= 1 -> 0 <= hi t <= 1.
Proof. intros t H. unfold hi, Rmax. destruct Rle_dec; lra. Qed.

Lemma cont01_glue : forall f g, cont01 f -> cont01 g -> cont01 (fun t => f (lo t) + g (hi t) + - f 1).
Proof.
  intros f g Cf Cg. apply cont01_plus; [apply cont01_plus|apply cont01_const].
  - apply (cont01_comp f lo); auto using lo_cont, lo_range.
  - apply (cont01_comp g hi); auto using hi_cont, hi_range.
Qed.

(* paths in a set of networks that does not see what is beyond m and d *)
Definition eqnet (m d : nat) (W : nat -> rvec) (a : nat -> R) W' a' :=
  forall j, (j < m)%nat -> a j = a' j :> R /\ forall i, (i < d)%nat -> W j i = W' j i :> R.

Section Glue.
Variable m d : nat.
Variable good : (nat -> rvec) -> (nat -> R) -> Prop.
Hypothesis good_ext : forall W a W' a', eqnet m d W a W' a' -> good W a -> good W' a'.

Definition joins W a W' a' := exists (V : R -> nat -> rvec) (b : R -> nat -> R), is_path m d V b /\
  eqnet m d (V 0) (b 0) W a /\ eqnet m d (V 1) (b 1) W' a' /\ forall t, 0 <= t <= 1 -> good (V t) (b t).

Lemma glued : forall W a W' a' W'' a'', joins W a W' a' -> joins W' a' W'' a'' -> joins W a W'' a''.
Proof.
  intros W a W' a' W'' a'' (V & b & [CV Cb] & V0 & V1 & G) (U & e & [CU Ce] & U0 & U1 & K).
  set (VV := fun t j i => V (lo t) j i + U (hi t) j i + - V 1 j i).
  set (bb := fun t j => b (lo t) j + e (hi t) j + - b 1 j).
  assert (L : forall t, t <= / 2 -> 0 <= t -> eqnet m d (V (2 * t)) (b (2 * t)) (VV t) (bb t)).
  { intros t Ht Ht0 j Hj. destruct (V1 j Hj) as [P1 P2]. destruct (U0 j Hj) as [P3 P4].
    unfold VV, bb. replace (lo t) with (2 * t) by (unfold lo, Rmin; destruct Rle_dec; lra).
    replace (hi t) with 0 by (unfold hi, Rmax; destruct Rle_dec; lra).
    split; [rewrite P1, P3; ring|]. intros i Hi. rewrite P2, P4; auto. ring. }
  assert (H : forall t, / 2 <= t -> t <= 1 -> eqnet m d (U (2 * t - 1)) (e (2 * t - 1)) (VV t) (bb t)).
  { intros t Ht Ht1 j Hj. unfold VV, bb. replace (lo t) with 1 by (unfold lo, Rmin; destruct Rle_dec; lra).
    replace (hi t) with (2 * t - 1) by (unfold hi, Rmax; destruct Rle_dec; lra).
    split; [ring|]. intros i Hi. ring. }
  exists VV, bb. split; [split|split; [|split]].
  - intros j i Hj Hi. apply (cont01_glue (fun t => V t j i) (fun t => U t j i)); auto.
  - intros j Hj. apply (cont01_glue (fun t => b t j) (fun t => e t j)); auto.
  - intros j Hj. destruct (L 0) with (j := j) as [P1 P2]; auto; try lra. destruct (V0 j Hj) as [P3 P4].
    replace (2 * 0) with 0 in * by ring. split; [congruence|]. intros i Hi. rewrite <- P2; auto.
  - intros j Hj. destruct (H 1) with (j := j) as [P1 P2]; auto; try lra. destruct (U1 j Hj) as [P3 P4].
    replace (2 * 1 - 1) with 1 in * by ring. split; [congruence|]. intros i Hi. rewrite <- P2; auto.
  - intros t Ht. destruct (Rle_lt_dec t (/ 2)).
    + eapply good_ext; [apply L; lra|]. apply G. lra.
    + eapply good_ext; [apply H; lra|]. apply K. lra.
Qed.

Lemma turned : forall W a W' a', joins W a W' a' -> joins W' a' W a.
Proof.
  intros W a W' a' (V & b & [CV Cb] & V0 & V1 & G).
  assert (C1 : cont01 (fun t => 1 - t)).
  { apply (cont01_lip _ 1); [lra|]. intros s t. replace (1 - s - (1 - t)) with (- (s - t)) by ring. rewrite Rabs_Ropp. lra. }
  assert (R1 : forall t, 0 <= t <= 1 -> 0 <= 1 - t <= 1) by (intros; lra).
  exists (fun t => V (1 - t)), (fun t => b (1 - t)). split; [split|split; [|split]].
  - intros j i Hj Hi. apply (cont01_comp (fun t => V t j i) (fun t => 1 - t)); auto.
  - intros j Hj. apply (cont01_comp (fun t => b t j) (fun t => 1 - t)); auto.
  - intros j Hj. replace (1 - 0) with 1 by ring. apply V1; auto.
  - intros j Hj. replace (1 - 1) with 0 by ring. apply V0; auto.
  - intros t Ht. apply G. lra.
Qed.
End Glue.

Section Joined.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable c : R.
Hypothesis Len : forall x, In x X -> (length x <= d)%nat.

Definition good W a := in_ball m d ball W a /\ loss X y m W a <= c.
Notation eqnet := (eqnet m d).
Definition joined := joins m d good.

Lemma good_ext : forall W a W' a', eqnet W a W' a' -> good W a -> good W' a'.
Proof.
  intros W a W' a' E [Hb Hl]. split.
  - apply (in_ball_same m d ball W a); auto. intros j i Hj Hi. destruct (E j Hj) as [E1 E2]. rewrite E1, E2; auto.
  - rewrite (loss_ext X y m W' a' W a); auto.
    + intros x j Ix Hj. apply (dot_ext_len x d); auto. intros i Hi. symmetry. apply E; auto.
    + intros j Hj. symmetry. apply E; auto.
Qed.

Lemma joined_trans : forall W a W' a' W'' a'', joined W a W' a' -> joined W' a' W'' a'' -> joined W a W'' a''.
Proof. exact (glued m d good good_ext). Qed.

Lemma sqerr_convex : forall t F G K Xs ys, 0 <= t <= 1 -> (forall x, In x Xs -> K x = (1 - t) * F x + t * G x) ->
  sqerr K Xs ys <= (1 - t) * sqerr F Xs ys + t * sqerr G Xs ys.
Proof.
  intros t F G K. induction Xs as [|x Xs IH]; intros [|v ys] Ht H; simpl; try lra.
  specialize (IH ys Ht (fun x i => H x (or_intror i))). rewrite (H x (or_introl eq_refl)).
  set (p := F x - IZR v). set (q := G x - IZR v).
  replace (((1 - t) * F x + t * G x - IZR v) * (((1 - t) * F x + t * G x - IZR v) * 1))
    with ((1 - t) * (p * (p * 1)) + t * (q * (q * 1)) - t * (1 - t) * ((p - q) * (p - q))) by (unfold p, q; ring).
  assert (0 <= t * (1 - t) * ((p - q) * (p - q))).
  { apply Rmult_le_pos; [apply Rmult_le_pos; lra|]. pose proof (Rle_0_sqr (p - q)) as S. unfold Rsqr in S. auto. }
  fold p q. lra.
Qed.

Lemma loss_convex : forall t F G W a, 0 <= t <= 1 ->
  (forall x, In x X -> net m W a x = (1 - t) * F x + t * G x) ->
  / 2 * sqerr F X y <= c -> / 2 * sqerr G X y <= c -> loss X y m W a <= c.
Proof.
  intros t F G W a Ht H HF HG. unfold loss. pose proof (sqerr_convex t F G (net m W a) X y Ht H). nra.
Qed.

Lemma net_mix : forall t W a W0 a0 W1 a1 x,
  (forall j, (j < m)%nat -> a j * Rmax 0 (dot x (W j)) =
     (1 - t) * (a0 j * Rmax 0 (dot x (W0 j))) + t * (a1 j * Rmax 0 (dot x (W1 j)))) ->
  net m W a x = (1 - t) * net m W0 a0 x + t * net m W1 a1 x.
Proof.
  intros t W a W0 a0 W1 a1 x. unfold net. induction m as [|k IH]; intros H; simpl; [ring|].
  rewrite IH, H by auto. ring.
Qed.

Lemma cont01_mix : forall p q, cont01 (fun t => (1 - t) * p + t * q).
Proof.
  intros p q. apply cont01_plus; apply cont01_mult; try apply cont01_const; try apply cont01_id.
  apply (cont01_plus (fun _ => 1) (fun t => - t)); [apply cont01_const|].
  apply (cont01_ext (fun t => -1 * t)); [intros; ring|]. apply cont01_mult; [apply cont01_const|apply cont01_id].
Qed.

(* inner weights move inside their cones *)
Lemma move_inner : forall W0 W1 a, good W0 a -> good W1 a ->
  (forall j, (j < m)%nat -> a j = 0 \/ forall x, In x X -> dot x (W0 j) * dot x (W1 j) >= 0) -> joined W0 a W1 a.
Proof.
  intros W0 W1 a [B0 L0] [B1 L1] H.
  exists (fun t j i => (1 - t) * W0 j i + t * W1 j i), (fun _ => a). split; [split|split; [|split]].
  - intros; apply cont01_mix.
  - intros; apply cont01_const.
  - intros j Hj. split; auto. intros; ring.
  - intros j Hj. split; auto. intros; ring.
  - intros t Ht. split.
    + apply (in_ball_mix m d ball t _ _ W0 a W1 a); auto. intros; ring.
    + apply (loss_convex t (net m W0 a) (net m W1 a)); auto. intros x Ix. apply net_mix. intros j Hj.
      rewrite (dot_lin x (fun i => (1 - t) * W0 j i) (W1 j) t), dot_scale. destruct (H j Hj) as [->|S]; [ring|]. specialize (S x Ix).
      set (p := dot x (W0 j)) in *. set (q := dot x (W1 j)) in *.
      assert (E : Rmax 0 ((1 - t) * p + t * q) = (1 - t) * Rmax 0 p + t * Rmax 0 q); [|rewrite E; ring].
      destruct (Rle_dec 0 p) as [P|P], (Rle_dec 0 q) as [Q|Q].
      * rewrite !Rmax_right by nra. ring.
      * assert (p = 0) as -> by nra. rewrite !Rmax_left by nra. ring.
      * assert (q = 0) as -> by nra. rewrite !Rmax_left by nra. ring.
      * rewrite !Rmax_left by nra. ring.
Qed.

(* outer weights move *)
Lemma move_outer : forall W a0 a1, good W a0 -> good W a1 -> joined W a0 W a1.
Proof.
  intros W a0 a1 [B0 L0] [B1 L1].
  exists (fun _ => W), (fun t j => (1 - t) * a0 j + t * a1 j). split; [split|split; [|split]].
  - intros; apply cont01_const.
  - intros; apply cont01_mix.
  - intros j Hj. split; auto. ring.
  - intros j Hj. split; auto. ring.
  - intros t Ht. split.
    + apply (in_ball_mix m d ball t _ _ W a0 W a1); auto. intros; ring.
    + apply (loss_convex t (net m W a0) (net m W a1)); auto. intros x Ix. apply net_mix. intros j Hj. ring.
Qed.

(* neurons are rescaled: W1 = k W0, a1 = a0 / k *)
Lemma move_scale : forall W0 a0 W1 a1 (k : nat -> R), good W0 a0 ->
  (forall j, (j < m)%nat -> k j > 0 /\ a0 j = k j * a1 j /\ forall i, (i < d)%nat -> W1 j i = k j * W0 j i) ->
  joined W0 a0 W1 a1.
Proof.
  intros W0 a0 W1 a1 k G H.
  set (l := fun t j => (1 - t) * 1 + t * k j).
  assert (Lp : forall t j, 0 <= t <= 1 -> (j < m)%nat -> l t j > 0).
  { intros t j Ht Hj. unfold l. destruct (H j Hj) as [K _]. destruct (Req_dec t 0); nra. }
  exists (fun t j i => l t j * W0 j i), (fun t j => a0 j * / l t j).
  assert (E : forall t j x, 0 <= t <= 1 -> (j < m)%nat ->
     a0 j * / l t j * Rmax 0 (dot x (fun i => l t j * W0 j i)) = a0 j * Rmax 0 (dot x (W0 j))).
  { intros t j x Ht Hj. pose proof (Lp t j Ht Hj). rewrite dot_scale.
    assert (Ex : Rmax 0 (l t j * dot x (W0 j)) = l t j * Rmax 0 (dot x (W0 j))).
    { destruct (Rle_dec 0 (dot x (W0 j))); [rewrite !Rmax_right by nra; ring|rewrite !Rmax_left by nra; ring]. }
    rewrite Ex. field. lra. }
  split; [split|split; [|split]].
  - intros j i Hj Hi. apply cont01_mult; [apply cont01_mix|apply cont01_const].
  - intros j Hj. apply cont01_mult; [apply cont01_const|].
    apply cont01_lim. intros t Ht. apply (limit_inv (fun t => l t j) I01 (l t j) t).
    + apply (proj1 (cont01_lim (fun t => l t j))); auto. apply cont01_mix.
    + pose proof (Lp t j Ht Hj). lra.
  - intros j Hj. unfold l. split; [field|intros; ring].
  - intros j Hj. destruct (H j Hj) as (K & A & Wk). unfold l. split.
    + rewrite A. field. lra.
    + intros i Hi. rewrite Wk; auto. ring.
  - intros t Ht. destruct G as [B L]. split.
    + apply (in_ball_same m d ball W0 a0); auto. intros j i Hj Hi. pose proof (Lp t j Ht Hj). field. lra.
    + unfold loss. rewrite (sqerr_ext _ (net m W0 a0)); [exact L|]. intros x Ix. unfold net.
      apply sumlt_ext. intros j Hj. apply E; auto.
Qed.

Lemma joined_ext : forall W a W' a' W1 a1, joined W a W' a' -> eqnet W' a' W1 a1 -> joined W a W1 a1.
Proof.
  intros W a W' a' W1 a1 (V & b & P & V0 & V1 & G) E. exists V, b. split; auto. split; auto. split; auto.
  intros j Hj. destruct (V1 j Hj) as [P1 P2]. destruct (E j Hj) as [P3 P4]. split; [congruence|].
  intros i Hi. rewrite P2; auto.
Qed.

(* ---- two networks whose neurons have the same signs and are in the same closed cones ---- *)

Lemma good_shrink : forall W a W' a' k, good W a ->
  (forall j, (j < m)%nat -> (forall x, In x X -> a' j * Rmax 0 (dot x (W' j)) = a j * Rmax 0 (dot x (W j))) /\
     Rabs (k j) <= 1 /\ forall i, (i < d)%nat -> a' j * W' j i = k j * (a j * W j i)) -> good W' a'.
Proof.
  intros W a W' a' k [B L] H. split.
  - apply (in_ball_shrink m d ball W a W' a' k); auto. intros j Hj. apply (H j Hj).
  - unfold loss in *. rewrite (sqerr_ext _ (net m W a)); auto. intros x Ix. unfold net. apply sumlt_ext.
    intros j Hj. apply H; auto.
Qed.

(* the gauge a = +-1, w = u *)
Lemma normal : forall W a (s : nat -> bool), good W a ->
  (forall j, (j < m)%nat -> sgn (s j) * a j >= 0 \/ forall i, (i < d)%nat -> W j i = 0) ->
  good (uvec W a) (fun j => sgn (s j)) /\ joined W a (uvec W a) (fun j => sgn (s j)).
Proof.
  intros W a s G Hs.
  set (W1 := fun j i => if Req_EM_T (a j) 0 then 0 else W j i).
  set (a2 := fun j => if Req_EM_T (a j) 0 then sgn (s j) else sgn (s j) * Rabs (a j)).
  assert (S1 : forall j, Rabs (sgn (s j)) = 1) by (intros j; unfold sgn; destruct (s j); [apply Rabs_R1|rewrite Rabs_left; lra]).
  assert (D1 : forall x j, dot x (W1 j) = if Req_EM_T (a j) 0 then 0 else dot x (W j)).
  { intros x j. unfold W1. destruct (Req_EM_T (a j) 0); auto. apply dot_0; auto. }
  assert (Z : forall j x, In x X -> (forall i, (i < d)%nat -> W j i = 0) -> dot x (W j) = 0).
  { intros j x Ix E. rewrite (dot_ext_len x d (W j) (fun _ => 0)); auto. apply dot_0; auto. }
  assert (Right : forall j, sgn (s j) * a j >= 0 -> sgn (s j) * Rabs (a j) = a j).
  { intros j H. unfold sgn in *. destruct (s j); [rewrite Rabs_right|rewrite Rabs_left1]; lra. }
  assert (G1 : good W1 a).
  { apply (good_shrink W a _ _ (fun _ => 1)); auto. intros j Hj. rewrite Rabs_R1. split; [|split; [lra|]].
    - intros x Ix. rewrite D1. destruct (Req_EM_T (a j) 0) as [E|]; auto. rewrite E. ring.
    - intros i Hi. unfold W1. destruct (Req_EM_T (a j) 0) as [E|]; [rewrite E|]; ring. }
  assert (G2 : good W1 a2).
  { apply (good_shrink W a _ _ (fun _ => 1)); auto. intros j Hj. rewrite Rabs_R1. split; [|split; [lra|]].
    - intros x Ix. rewrite D1. unfold a2. destruct (Req_EM_T (a j) 0) as [E|]; [rewrite E, Rmax_left by lra; ring|].
      destruct (Hs j Hj) as [R|E]; [rewrite Right; auto|]. rewrite (Z j x Ix E), Rmax_left by lra. ring.
    - intros i Hi. unfold W1, a2. destruct (Req_EM_T (a j) 0) as [E|]; [rewrite E; ring|].
      destruct (Hs j Hj) as [R|E]; [rewrite Right; auto; ring|]. rewrite E; auto. ring. }
  assert (G3 : good (uvec W a) (fun j => sgn (s j))).
  { apply (good_shrink W a _ _ (fun j => sgn (s j) * (if Rle_dec 0 (a j) then 1 else -1))); auto. intros j Hj. split; [|split].
    - intros x Ix. rewrite dot_u. destruct (Hs j Hj) as [R|E]; [symmetry; apply scale_relu; auto|].
      rewrite (Z j x Ix E), Rmult_0_r, Rmax_left by lra. ring.
    - rewrite Rabs_mult, S1. destruct (Rle_dec 0 (a j)); [rewrite Rabs_R1|rewrite Rabs_left]; lra.
    - intros i Hi. rewrite uvec_turned. ring. }
  split; auto. unfold joined in *.
  apply (joined_trans W a W1 a).
  { apply move_inner; auto. intros j Hj. destruct (Req_EM_T (a j) 0) as [E|N]; [auto|right].
    intros x Ix. rewrite D1. destruct (Req_EM_T (a j) 0); [lra|]. nra. }
  apply (joined_trans W1 a W1 a2).
  { apply move_outer; auto. }
  apply (move_scale W1 a2 _ _ (fun j => if Req_EM_T (a j) 0 then 1 else Rabs (a j))); auto.
  intros j Hj. unfold a2, W1, uvec. destruct (Req_EM_T (a j) 0) as [E|N].
  - split; [lra|]. split; [ring|]. intros i Hi. rewrite E, Rabs_R0. ring.
  - split; [apply Rabs_pos_lt; auto|]. split; [ring|intros; ring].
Qed.

Theorem aligned : forall W a W' a' s, good W a -> good W' a' ->
  (forall j, (j < m)%nat -> (sgn (s j) * a j >= 0 \/ forall i, (i < d)%nat -> W j i = 0) /\
     (sgn (s j) * a' j >= 0 \/ forall i, (i < d)%nat -> W' j i = 0) /\
     forall x, In x X -> dot x (uvec W a j) * dot x (uvec W' a' j) >= 0) -> joined W a W' a'.
Proof.
  intros W a W' a' s G G' H.
  destruct (normal W a s G) as [U J]; [intros j Hj; apply (H j Hj)|].
  destruct (normal W' a' s G') as [U' J']; [intros j Hj; apply (H j Hj)|].
  apply (joined_trans _ _ (uvec W a) (fun j => sgn (s j))); auto.
  apply (joined_trans _ _ (uvec W' a') (fun j => sgn (s j))); [|apply (turned m d good); auto].
  apply move_inner; auto. intros j Hj. right. intros x Ix. apply (H j Hj); auto.
Qed.
End Joined.

(* ---- the checker ---- *)

Fixpoint sumQ (m : nat) (f : nat -> Q) : Q := match m with O => 0%Q | S k => plusQ (f k) (sumQ k f) end.
Definition reluQ (v : Q) : Q := if Qle_bool 0 v then v else 0%Q.
Definition netQ (m : nat) (A : endpoint) (x : row) : Q := sumQ m (fun j => qa A j * reluQ (dotQ x (qW A j)))%Q.
Fixpoint sqerrQ (F : row -> Q) (X : list row) (y : list Z) : Q :=
  match X, y with
  | x :: X', v :: y' => let e := (F x - inject_Z v)%Q in plusQ (e * e) (sqerrQ F X' y')
  | _, _ => 0%Q
  end.

(* a rational that is not less than the root of q >= 0: the root, to 2^-100 over the denominator *)
Definition rootQ (q : Q) : Q :=
  let n := Qnum (Qred q) in let k := Qden (Qred q) in
  (Z.sqrt_up (n * Zpos k * 2 ^ 200) # (k * 2 ^ 100))%Q.

Definition all (n : nat) (f : nat -> bool) : bool := forallb f (seq 0 n).

Section Steps.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable c : Q.

(* the square of the norm of a_j w_j *)
Definition normQ2 (A : endpoint) (j : nat) : Q := sumQ d (fun i => (qa A j * qW A j i) * (qa A j * qW A j i))%Q.
Definition goodQ (A : endpoint) : bool :=
  Qle_bool (sqerrQ (netQ m A) X y) (2 * c) &&
  match ball with
  | Free => true
  | Entrywise p q => Z.ltb 0 q && all m (fun j => all d (fun i => Qle_bool (inject_Z q * absQ (qa A j * qW A j i)) (inject_Z p)))
  | Columns p q => Z.ltb 0 q && Z.leb 0 p && all m (fun j => Qle_bool (inject_Z (q * q) * normQ2 A j) (inject_Z (p * p)))
  | Frobenius p q => Z.ltb 0 q && Qle_bool (inject_Z q * sumQ m (fun j => rootQ (normQ2 A j))) (inject_Z p)
  | Spectral p q => Z.ltb 0 q && Z.leb 0 p && boundedQ m d false p q (fun _ => 1%Q) (fun j i => qa A j * qW A j i)%Q
  | Summing p q => Z.ltb 0 q && Z.leb 0 p && (* the norm of a is shared as a has it *)
      (all m (fun j => Qeq_bool (qa A j) 0) ||| boundedQ m d true p q (qa A) (fun j i => qa A j * qW A j i)%Q)
  end.
(* a neuron that is zero, or adds nothing *)
Definition deadQ (A : endpoint) (j : nat) : bool := Qeq_bool (qa A j) 0 ||| all d (fun i => Qeq_bool (qW A j i) 0).
Definition alignedQ (A B : endpoint) : bool := all m (fun j => deadQ A j ||| deadQ B j |||
  (Qle_bool 0 (qa A j * qa B j) && forallb (fun x => Qle_bool 0 (dotQ x (qW A j) * dotQ x (qW B j))) X)).
Fixpoint check_moves (A : endpoint) (l : list endpoint) (B : endpoint) : bool :=
  match l with
  | [] => alignedQ A B
  | A' :: l => goodQ A' && alignedQ A A' && check_moves A' l B
  end.
Definition check_path (A : endpoint) (l : list endpoint) (B : endpoint) : bool :=
  forallb (fun x => Nat.leb (length x) d) X && goodQ A && goodQ B && check_moves A l B.

Definition W_of (A : endpoint) : nat -> rvec := fun j i => Q2R (qW A j i).
Definition a_of (A : endpoint) : nat -> R := fun j => Q2R (qa A j).

Lemma Q2R_red : forall q, Q2R (Qred q) = Q2R q.
Proof. intros; apply Qeq_eqR, Qred_correct. Qed.
Lemma Q2R_0 : Q2R 0 = 0.
Proof. unfold Q2R; simpl; lra. Qed.
Lemma sumQ_R : forall k f, Q2R (sumQ k f) = sumlt k (fun j => Q2R (f j)).
Proof. induction k; intros f; cbn [sumQ sumlt]; [apply Q2R_0|rewrite plusQ_R, IHk; ring]. Qed.
Lemma reluQ_R : forall v, Q2R (reluQ v) = Rmax 0 (Q2R v).
Proof.
  intros v. unfold reluQ. destruct (Qle_bool 0 v) eqn:E.
  - apply Qle0 in E. rewrite Rmax_right; lra.
  - rewrite Q2R_0, Rmax_left; auto. apply Rnot_lt_le. intros L.
    assert (H : Qle_bool 0 v = true) by (apply Qle0; lra). congruence.
Qed.
Lemma netQ_R : forall A x, Q2R (netQ m A x) = net m (W_of A) (a_of A) x.
Proof.
  intros A x. unfold netQ, net. rewrite sumQ_R. apply sumlt_ext. intros j Hj.
  rewrite Q2R_mult, reluQ_R, dotQ_dot. reflexivity.
Qed.
Lemma sqerrQ_R : forall F G Xs ys, (forall x, Q2R (F x) = G x) -> Q2R (sqerrQ F Xs ys) = sqerr G Xs ys.
Proof.
  intros F G. induction Xs as [|x Xs IH]; intros [|v ys] H; cbn [sqerrQ sqerr]; try apply Q2R_0.
  rewrite plusQ_R, Q2R_mult, Q2R_minus, Q2R_inject, H, IH; auto. ring.
Qed.

Lemma all_spec : forall n f, all n f = true -> forall i, (i < n)%nat -> f i = true.
Proof. intros n f H i Hi. unfold all in H. rewrite forallb_forall in H. apply H. apply in_seq0; auto. Qed.

Lemma Qle_R : forall p q, Qle_bool p q = true -> Q2R p <= Q2R q.
Proof. intros p q H. apply Qle_Rle, Qle_bool_iff; auto. Qed.
Lemma Qeq_R : forall p q, Qeq_bool p q = true -> Q2R p = Q2R q.
Proof. intros p q H. apply Qeq_eqR, Qeq_bool_iff; auto. Qed.

Lemma normQ2_R : forall A j, Q2R (normQ2 A j) = norm d (fun i => a_of A j * W_of A j i) * norm d (fun i => a_of A j * W_of A j i).
Proof.
  intros A j. rewrite norm_sqr. unfold normQ2. rewrite sumQ_R. apply sumlt_ext. intros i Hi. rewrite !Q2R_mult. reflexivity.
Qed.

Lemma rootQ_R : forall q, 0 <= Q2R q -> 0 <= Q2R (rootQ q) /\ Q2R q <= Q2R (rootQ q) * Q2R (rootQ q).
Proof.
  intros q Hq. rewrite <- (Q2R_red q) in Hq |- *. unfold rootQ. set (n := Qnum (Qred q)). set (k := Qden (Qred q)).
  assert (Eq : Q2R (Qred q) = IZR n / IZR (Zpos k)) by reflexivity. rewrite Eq in *.
  assert (Hk : 0 < IZR (Zpos k)) by (apply IZR_lt; reflexivity).
  assert (Hn : 0 <= IZR n).
  { apply Rmult_le_reg_r with (/ IZR (Zpos k)); [apply Rinv_0_lt_compat; auto|]. rewrite Rmult_0_l. exact Hq. }
  set (s := Z.sqrt_up (n * Z.pos k * 2 ^ 200)).
  assert (S0 : (0 <= s)%Z) by apply Z.sqrt_up_nonneg.
  assert (S1 : (n * Z.pos k * 2 ^ 200 <= s * s)%Z) by (apply Z.sqrt_sqrt_up_spec; apply le_IZR in Hn; lia).
  set (f := (2 ^ 100)%positive). assert (Hf : 0 < IZR (Zpos f)) by (apply IZR_lt; reflexivity).
  assert (E : Q2R (s # k * f) = IZR s / (IZR (Zpos k) * IZR (Zpos f))).
  { unfold Q2R. cbn [Qnum Qden]. rewrite Pos2Z.inj_mul, mult_IZR. reflexivity. }
  fold f. rewrite E. apply IZR_le in S0, S1. split.
  - apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat. nra.
  - rewrite !mult_IZR in S1. replace (2 ^ 200)%Z with (Zpos f * Zpos f)%Z in S1 by reflexivity. rewrite mult_IZR in S1.
    apply Rmult_le_reg_r with ((IZR (Zpos k) * IZR (Zpos f)) * (IZR (Zpos k) * IZR (Zpos f))); [apply Rmult_lt_0_compat; nra|].
    replace (IZR n / IZR (Z.pos k) * (IZR (Z.pos k) * IZR (Z.pos f) * (IZR (Z.pos k) * IZR (Z.pos f))))
      with (IZR n * IZR (Z.pos k) * (IZR (Z.pos f) * IZR (Z.pos f))) by (field; lra).
    replace (IZR s / (IZR (Z.pos k) * IZR (Z.pos f)) * (IZR s / (IZR (Z.pos k) * IZR (Z.pos f))) *
      (IZR (Z.pos k) * IZR (Z.pos f) * (IZR (Z.pos k) * IZR (Z.pos f)))) with (IZR s * IZR s) by (field; lra).
    exact S1.
Qed.

Lemma radius : forall p q, (Z.ltb 0 q && Z.leb 0 p)%bool = true -> 0 < IZR q /\ 0 <= IZR p / IZR q.
Proof.
  intros p q H. apply andb_prop in H as [Hq Hp]. apply Z.ltb_lt, IZR_lt in Hq. apply Z.leb_le, IZR_le in Hp.
  split; auto. apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
Qed.

Lemma goodQ_R : forall A, goodQ A = true -> good X y m d ball (Q2R c) (W_of A) (a_of A).
Proof.
  intros A H. unfold goodQ in H. apply andb_prop in H as [H1 H2]. split.
  - unfold in_ball. destruct ball as [|p q|p q|p q|p q|p q]; auto.
    + intros j i Hj Hi. apply andb_prop in H2 as [Hq H2].
      apply Z.ltb_lt, IZR_lt in Hq. pose proof (all_spec _ _ (all_spec _ _ H2 j Hj) i Hi) as H3.
      apply Qle_R in H3. rewrite Q2R_mult, absQ_abs, !Q2R_inject, Q2R_mult in H3.
      apply Rmult_le_reg_l with (IZR q); auto. unfold W_of, a_of. field_simplify (IZR q * (IZR p / IZR q)); lra.
    + intros j Hj. rewrite !andb_true_iff in H2. destruct H2 as [[Hq Hp] H2].
      apply Z.ltb_lt, IZR_lt in Hq. apply Z.leb_le, IZR_le in Hp. pose proof (all_spec _ _ H2 j Hj) as H3.
      apply Qle_R in H3. rewrite Q2R_mult, !Q2R_inject, normQ2_R, !mult_IZR in H3.
      assert (P : 0 <= IZR p / IZR q) by (apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat]; auto).
      apply norm_least; auto. rewrite norm_sqr in H3.
      apply Rmult_le_reg_l with (IZR q * IZR q); [nra|].
      replace (IZR q * IZR q * (IZR p / IZR q * (IZR p / IZR q))) with (IZR p * IZR p) by (field; lra). exact H3.
    + apply andb_prop in H2 as [Hq H2]. apply Z.ltb_lt, IZR_lt in Hq. apply Qle_R in H2.
      rewrite Q2R_mult, !Q2R_inject, sumQ_R in H2.
      apply Rle_trans with (sumlt m (fun j => Q2R (rootQ (normQ2 A j)))).
      * apply sumlt_le. intros j Hj. destruct (rootQ_R (normQ2 A j)) as [R1 R2].
        { rewrite normQ2_R, norm_sqr. apply sumlt_squares. }
        apply norm_least; auto. rewrite <- norm_sqr, <- normQ2_R. exact R2.
      * apply Rmult_le_reg_l with (IZR q); auto. field_simplify (IZR q * (IZR p / IZR q)); lra.
    + destruct (radius p q) as [Q0 P]; [apply andb_prop in H2; tauto|]. apply andb_prop in H2 as [_ H2].
      pose proof (boundedQ_R m d false p q _ _ H2 Q0 P) as B. apply spectral_bounded.
      apply (bounded_scale m d _ _ _ _ (fun _ => 1) _ (B ltac:(lra))); auto. intros j Hj. unfold Q2R at 1. simpl.
      replace (1 * / 1 / 1 * 1) with 1 by field. split; [lra|]. intros i Hi. rewrite Q2R_mult. unfold W_of, a_of. ring.
    + destruct (radius p q) as [Q0 P]; [apply andb_prop in H2; tauto|]. apply andb_prop in H2 as [_ H2]. set (r := IZR p / IZR q) in *.
      set (n := norm m (a_of A)). pose proof (norm_pos m (a_of A)) as N. fold n in N. apply summing_bounded.
      destruct (Req_dec n 0) as [Z|NZ].
      * exists (fun _ => 0). split; [|split; [|auto]].
        -- rewrite (norm_ext m _ (fun _ => 0 * 0)), (norm_scale m 0 (fun _ => 0)), Rabs_R0 by (intros; ring). lra.
        -- intros z. rewrite (norm_ext d _ (fun _ => 0 * 0)).
           ++ rewrite (norm_scale d 0 (fun _ => 0)), Rabs_R0, Rmult_0_l. apply Rmult_le_pos; auto. apply norm_pos.
           ++ intros i Hi. rewrite (sumlt_ext m _ (fun _ => 0 * 0)), sumlt_scale; [ring|]. intros j Hj.
              pose proof (entry_norm m (a_of A) j Hj) as B. fold n in B. rewrite Z in B. pose proof (Rabs_pos (a_of A j)).
              destruct (Req_dec (a_of A j) 0) as [->|K]; [ring|]. apply Rabs_pos_lt in K. lra.
      * rewrite <- orb_lazy_alt in H2. apply orb_prop in H2 as [H2|H2].
        -- exfalso. apply NZ. unfold n. rewrite (norm_ext m _ (fun _ => 0 * 0)), (norm_scale m 0 (fun _ => 0)), Rabs_R0; [ring|].
           intros j Hj. unfold a_of. rewrite (Qeq_R _ _ (all_spec _ _ H2 j Hj)), Q2R_0. ring.
        -- exists (fun j => a_of A j / n). split; [|split; [|auto]].
           ++ rewrite (norm_ext m _ (fun j => / n * a_of A j)) by (intros; unfold Rdiv; ring). rewrite norm_scale. fold n.
              rewrite Rabs_right by (left; apply Rinv_0_lt_compat; lra). rewrite Rinv_l; lra.
           ++ pose proof (boundedQ_R m d true p q _ _ H2 Q0 P NZ) as B. fold r in B.
              apply (bounded_shrink m d _ _ _ (fun _ => 1) _ B). intros j Hj. rewrite Rabs_R1. split; [lra|].
              intros i Hi. rewrite Q2R_mult. unfold W_of, a_of. ring.
  - apply Qle_R in H1. rewrite (sqerrQ_R _ (net m (W_of A) (a_of A))), Q2R_mult in H1 by apply netQ_R.
    unfold loss. replace (Q2R 2) with 2 in H1 by (unfold Q2R; simpl; lra). lra.
Qed.

Lemma deadQ_R : forall A j, deadQ A j = true -> a_of A j = 0 \/ forall i, (i < d)%nat -> W_of A j i = 0.
Proof.
  intros A j H. unfold deadQ in H. rewrite <- orb_lazy_alt in H. apply orb_prop in H as [H|H]; [left|right; intros i Hi]; unfold a_of, W_of; rewrite <- Q2R_0; apply Qeq_R; auto.
  apply (all_spec _ _ H i Hi).
Qed.

Lemma step_joined : forall A B, (forall x, In x X -> (length x <= d)%nat) -> goodQ A = true -> goodQ B = true ->
  alignedQ A B = true -> joined X y m d ball (Q2R c) (W_of A) (a_of A) (W_of B) (a_of B).
Proof.
  intros A B Len GA GB H. apply goodQ_R in GA, GB.
  assert (Dead : forall C j x, In x X -> (a_of C j = 0 \/ forall i, (i < d)%nat -> W_of C j i = 0) -> dot x (uvec (W_of C) (a_of C) j) = 0).
  { intros C j x Ix [E|E]; rewrite dot_u; [rewrite E, Rabs_R0; ring|].
    rewrite (dot_ext_len x d (W_of C j) (fun _ => 0)) by auto. rewrite dot_0; auto. ring. }
  (* the sign of a neuron that is not dead *)
  set (s := fun j => if deadQ A j then Qle_bool 0 (qa B j) else Qle_bool 0 (qa A j)).
  assert (Sg : forall C j, sgn (Qle_bool 0 (qa C j)) * a_of C j >= 0).
  { intros C j. unfold sgn, a_of. destruct (Qle_bool 0 (qa C j)) eqn:E; [apply Qle0 in E; lra|].
    assert (~ Q2R (qa C j) >= 0) by (intros K; apply Qle0 in K; congruence). lra. }
  apply (aligned X y m d ball (Q2R c) Len _ _ _ _ s GA GB). intros j Hj. pose proof (all_spec _ _ H j Hj) as P. cbv beta in P. rewrite <- !orb_lazy_alt in P. unfold s.
  destruct (deadQ A j) eqn:DA.
  - apply deadQ_R in DA. split; [|split; [auto|]].
    + destruct DA as [E|E]; auto. left. rewrite E, Rmult_0_r. lra.
    + intros x Ix. rewrite (Dead A j x Ix DA). lra.
  - split; [auto|]. destruct (deadQ B j) eqn:DB.
    + apply deadQ_R in DB. split.
      * destruct DB as [E|E]; auto. left. rewrite E, Rmult_0_r. lra.
      * intros x Ix. rewrite (Dead B j x Ix DB). lra.
    + cbn [orb] in P. apply andb_prop in P as [P1 P2]. apply Qle0 in P1. rewrite Q2R_mult in P1. fold (a_of A j) (a_of B j) in P1.
      assert (NA : a_of A j <> 0).
      { intros E. unfold deadQ in DA. rewrite <- orb_lazy_alt in DA. apply orb_false_iff in DA as [DA _]. apply not_true_iff_false in DA. apply DA.
        apply Qeq_bool_iff, eqR_Qeq. rewrite Q2R_0. exact E. }
      specialize (Sg A j). split.
      * left. unfold sgn in *. destruct (Qle_bool 0 (qa A j)); nra.
      * intros x Ix. rewrite forallb_forall in P2. specialize (P2 x Ix). apply Qle0 in P2. rewrite Q2R_mult, !dotQ_dot in P2.
        rewrite !dot_u. fold (W_of A j) (W_of B j) in P2. pose proof (Rabs_pos (a_of A j)). pose proof (Rabs_pos (a_of B j)).
        replace (Rabs (a_of A j) * dot x (W_of A j) * (Rabs (a_of B j) * dot x (W_of B j)))
          with (Rabs (a_of A j) * Rabs (a_of B j) * (dot x (W_of A j) * dot x (W_of B j))) by ring.
        apply Rle_ge, Rmult_le_pos; [apply Rmult_le_pos; auto|lra].
Qed.

Theorem barrier_upper_bound : forall A l B, check_path A l B = true ->
  exists (W : R -> nat -> rvec) (a : R -> nat -> R), is_path m d W a /\
    is_net m d A (W 0) (a 0) /\ is_net m d B (W 1) (a 1) /\
    forall t, 0 <= t <= 1 -> in_ball m d ball (W t) (a t) /\ loss X y m (W t) (a t) <= Q2R c.
Proof.
  intros A l B H. unfold check_path in H. rewrite !andb_true_iff in H. destruct H as [[[H1 H2] H3] H4].
  assert (Len : forall x, In x X -> (length x <= d)%nat).
  { intros x Ix. rewrite forallb_forall in H1. apply Nat.leb_le. auto. }
  assert (J : joined X y m d ball (Q2R c) (W_of A) (a_of A) (W_of B) (a_of B)).
  { clear H1. revert A H2 H4. induction l as [|A' l IH]; intros A H2 H4; cbn [check_moves] in H4.
    - apply step_joined; auto.
    - rewrite !andb_true_iff in H4. destruct H4 as [[G S] R].
      apply (joined_trans X y m d ball (Q2R c) Len _ _ (W_of A') (a_of A')); [apply step_joined; auto|apply IH; auto]. }
  destruct J as (V & b & P & V0 & V1 & G). exists V, b. split; [exact P|]. split; [|split; [|exact G]].
  - intros j Hj. destruct (V0 j Hj) as [P1 P2]. split; auto.
  - intros j Hj. destruct (V1 j Hj) as [P1 P2]. split; auto.
Qed.
End Steps.
