(* A network that none in a cell around it is much lower than: a local minimum, if none is lower at all. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Rational
  Isthmus.Statements Isthmus.Layers Isthmus.Text.
Import ListNotations.
Open Scope R_scope.

(* two networks of one cell: no outer weight, and no product of a row with inner weights, has opposite signs in them *)
Definition beside (XQ : list (list Q)) m W a W' a' : Prop := forall j, (j < m)%nat ->
  a j * a' j >= 0 /\ forall x, In x XQ -> dotq x (W j) * dotq x (W' j) >= 0.

(* all weights differ by less than eps *)
Definition close m d (eps : R) W a W' a' : Prop := forall j, (j < m)%nat ->
  Rabs (a' j - a j) < eps /\ forall i, (i < d)%nat -> Rabs (W' j i - W j i) < eps.

Section Statements.
Variable inside : (nat -> rvec) -> (nat -> R) -> Prop.    (* a ball, or bounds of the two layers *)
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable m d : nat.
Variable A : endpoint.

(* A has a loss <= upper; no network in a cell that holds A, and none near A, has one < lower *)
Definition lowest (lower upper : R) : Prop :=
  inside (W_of A) (a_of A) /\ lossq XQ yQ m (W_of A) (a_of A) <= upper /\
  (forall W a, inside W a -> beside XQ m (W_of A) (a_of A) W a -> lossq XQ yQ m W a >= lower) /\
  exists eps, eps > 0 /\ forall W a, inside W a -> close m d eps (W_of A) (a_of A) W a -> lossq XQ yQ m W a >= lower.
End Statements.

Definition lowest_around XQ yQ m d ball := lowest (in_ball m d ball) XQ yQ m d.
Definition local_minimum XQ yQ m d ball A (b : R) : Prop := lowest_around XQ yQ m d ball A b b.
Definition lowest_layers XQ yQ m d ball RW Ra := lowest (in_layers m d ball RW Ra) XQ yQ m d.

(* ---- near a network all others share a cell with it ---- *)

Lemma small_enough : forall T (l : list T) (P : T -> R -> Prop), (forall x e e', e' <= e -> P x e -> P x e') ->
  (forall x, In x l -> exists e, e > 0 /\ P x e) -> exists e, e > 0 /\ forall x, In x l -> P x e.
Proof.
  intros T l P Le. induction l as [|x l IH]; intros H.
  - exists 1. split; [lra|]. intros x [].
  - destruct IH as (e & He & Hl); [intros; apply H; right; auto|]. destruct (H x (or_introl eq_refl)) as (e' & He' & Hx).
    exists (Rmin e e'). split; [apply Rmin_glb_lt; auto|]. intros z [<-|I].
    + apply (Le x e'); auto. apply Rmin_r.
    + apply (Le z e); auto. apply Rmin_l.
Qed.

Lemma sign_kept : forall p, exists e, e > 0 /\ forall q, Rabs (q - p) < e -> p * q >= 0.
Proof.
  intros p. destruct (Req_dec p 0) as [->|N].
  - exists 1. split; [lra|]. intros; lra.
  - exists (Rabs p). split; [apply Rabs_pos_lt; auto|]. intros q H. apply Rabs_def2 in H.
    unfold Rabs in H. destruct (Rcase_abs p); nra.
Qed.

Lemma dot_close : forall x d e u v, (length x <= d)%nat -> (forall i, (i < d)%nat -> Rabs (v i - u i) <= e) ->
  Rabs (dot x v - dot x u) <= e * IZR (l1 x).
Proof.
  assert (H : forall x d e u v, (length x <= d)%nat -> (forall i, (i < d)%nat -> Rabs (v i - u i) <= e) ->
    dot x v - dot x u <= e * IZR (l1 x)).
  { intros x d e u v L C. pose proof (dot_lin x v u (-1)) as E.
    pose proof (l1_bound x d (fun i => v i + -1 * u i) e L) as B. rewrite E in B. assert (G : forall i, (i < d)%nat -> Rabs (v i + -1 * u i) <= e).
    { intros i Hi. replace (v i + -1 * u i) with (v i - u i) by ring. auto. }
    specialize (B G). lra. }
  intros x d e u v L C. apply Rabs_le. split; [|apply (H x d); auto].
  assert (dot x u - dot x v <= e * IZR (l1 x)); [|lra]. apply (H x d); auto. intros i Hi. rewrite Rabs_minus_sym. auto.
Qed.

Lemma l1_pos : forall x, 0 <= IZR (l1 x).
Proof. intros x. apply IZR_le. unfold l1. induction x as [|v x IH]; cbn [fold_right]; lia. Qed.

Lemma close_beside : forall X m d W a, (forall x, In x X -> (length x <= d)%nat) ->
  exists eps, eps > 0 /\ forall W' a', close m d eps W a W' a' -> forall j, (j < m)%nat ->
    a j * a' j >= 0 /\ forall x, In x X -> dot x (W j) * dot x (W' j) >= 0.
Proof.
  intros X m d W a Len.
  destruct (small_enough nat (seq 0 m) (fun j e => forall (w : rvec) b,
    Rabs (b - a j) < e /\ (forall i, (i < d)%nat -> Rabs (w i - W j i) < e) ->
    a j * b >= 0 /\ forall x, In x X -> dot x (W j) * dot x w >= 0)) as (e & He & H).
  - intros j e e' Le H w b [H1 H2]. apply H. split; [lra|]. intros i Hi. specialize (H2 i Hi). lra.
  - intros j _. destruct (sign_kept (a j)) as (e1 & He1 & H1).
    destruct (small_enough row X (fun x e => forall w : rvec, (forall i, (i < d)%nat -> Rabs (w i - W j i) < e) ->
      dot x (W j) * dot x w >= 0)) as (e2 & He2 & H2).
    + intros x e e' Le H w Hw. apply H. intros i Hi. specialize (Hw i Hi). lra.
    + intros x Ix. destruct (sign_kept (dot x (W j))) as (e & He & H). pose proof (l1_pos x) as P.
      exists (e / (1 + IZR (l1 x))). assert (E : e / (1 + IZR (l1 x)) > 0) by (apply Rdiv_lt_0_compat; lra). split; auto.
      intros w Hw. apply H. eapply Rle_lt_trans; [apply (dot_close x d (e / (1 + IZR (l1 x)))); auto|].
      * intros i Hi. left. auto.
      * replace e with (e / (1 + IZR (l1 x)) * (1 + IZR (l1 x))) at 2 by (field; lra). nra.
    + exists (Rmin e1 e2). split; [apply Rmin_glb_lt; auto|]. intros w b [Hb Hw]. split.
      * apply H1. eapply Rlt_le_trans; [exact Hb|apply Rmin_l].
      * intros x Ix. apply H2; auto. intros i Hi. eapply Rlt_le_trans; [apply Hw; auto|apply Rmin_r].
  - exists e. split; auto. intros W' a' C j Hj. apply (H j); [apply in_seq; lia|]. apply C; auto.
Qed.

Theorem lowest_in_layers : forall XQ yQ m d ball A lower upper, lowest_around XQ yQ m d ball A lower upper ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  in_layers m d ball RW Ra (W_of A) (a_of A) -> lowest_layers XQ yQ m d ball RW Ra A lower upper.
Proof.
  intros XQ yQ m d ball A lower upper (_ & U & L & eps & He & N) RW Ra RW0 Ra0 E I.
  pose proof (layers_in_ball m d ball RW Ra RW0 Ra0 E (not_free ball RW Ra RW0 Ra0 E)) as In_ball.
  split; auto. split; auto. split; [auto|]. exists eps. auto.
Qed.

(* ---- the certificate ---- *)

(* Rows where a network's neuron has x_k . w = 0 may come to either side. Where a dual vector nu gains on neither, both
   are one: s nu_k relu(z) <= - mu_k z for 0 <= mu_k <= - s nu_k. Where it gains, a tree takes the sides apart. *)
Inductive tree :=
  | Leaf (den : Z) (mu : list Z)                              (* multipliers mu / den *)
  | Split (k : nat) (pos neg : tree)
  | Side (k : nat) (e den : Z) (mu : list Z) (t : tree).      (* the others make row k have this side *)

Section Checker.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable A : endpoint.
Variable nu : list Z.
Variable F : frame.    (* for spectral norms *)

Fixpoint column (s : Z) (X : list row) (nu sides mu : list Z) : option row :=
  match X, nu, sides, mu with
  | [], [], [], [] => Some []
  | x :: X, v :: nu, e :: sides, w :: mu =>
      match column s X nu sides mu with
      | Some r =>
          if zerob x then Some r
          else if Z.eqb e 0 then if Z.leb 0 w && Z.leb w (- (s * v)) then Some (lin (- w) x 1 r) else None
          else if Z.leb 0 w then Some (lin ((if Z.ltb 0 e then s * v else 0) + e * w) x 1 r) else None
      | None => None
      end
  | _, _, _, _ => None
  end.

(* sum mu_k sides_k x_k *)
Fixpoint together_rows (X : list row) (sides mu : list Z) : option row :=
  match X, sides, mu with
  | [], [], [] => Some []
  | x :: X, e :: sides, w :: mu =>
      match together_rows X sides mu with Some r => if Z.leb 0 w then Some (lin (e * w) x 1 r) else None | None => None end
  | _, _, _ => None
  end.

Fixpoint put (k : nat) (e : Z) (l : list Z) : list Z :=
  match l with [] => [] | z :: l => match k with O => e :: l | S k => z :: put k e l end end.

Fixpoint check_tree (s h : Z) (sides : list Z) (t : tree) : bool :=
  match t with
  | Leaf den mu =>
      Z.ltb 0 den && match column s X (map (Z.mul den) nu) sides mu with Some r => short d ball F r den h | None => false end
  | Split k p q => check_tree s h (put k 1 sides) p && check_tree s h (put k (-1) sides) q
  | Side k e den mu t =>
      Z.ltb 0 den && match together_rows X sides mu with Some r => zerob (lin 1 r (- (den * e)) (nth k X [])) | None => false end &&
      check_tree s h (put k e sides) t
  end.

(* a neuron whose outer weight is zero may come to either sign *)
Definition signs (a : Q) : list Z := match Qnum a with Z0 => [1; -1] | Zpos _ => [1] | Zneg _ => [-1] end%Z.
Definition check_neuron (j : nat) (neuron : Z * list tree) : bool :=
  let sides := map (fun x => Z.sgn (Qnum (dotQ x (qW A j)))) X in
  Z.leb 0 (fst neuron) && all2 (fun s t => check_tree s (fst neuron) sides t) (signs (qa A j)) (snd neuron).

(* what the neurons come to, together; for Spectral its square *)
Fixpoint whole (neurons : nat -> Z) (k : nat) : Z :=
  match k with O => 0%Z | S k => together ball (neurons k) (whole neurons k) end.

(* bn / bd: what nu proves; neurons: the bound of each, and a tree for each of its signs *)
Definition check_around (bn bd : Z) (neurons : list (Z * list tree)) : bool :=
  let neuron j := nth j neurons (0%Z, []) in
  let g := (rd ball * dotZ nu y - rn ball * limit ball (whole (fun j => fst (neuron j)) m))%Z in
  check_frame d ball F && Z.leb 0 (rn ball) && Z.ltb 0 (rd ball) && Z.ltb 0 bd && Nat.eqb (length y) (length X) && Nat.eqb (length nu) (length X) &&
  forallb (fun x => Nat.leb (length x) d) X && all m (fun j => check_neuron j (neuron j)) &&
  Z.ltb 0 g && Z.leb (2 * bn * rd ball * rd ball * dotZ nu nu) (g * g * bd).

(* ---- soundness ---- *)

Definition on_sides (X : list row) (sides : list Z) (u : rvec) : Prop := Forall2 (fun x e => IZR e * dot x u >= 0) X sides.

Lemma put_sides : forall k e u X sides, on_sides X sides u -> IZR e * dot (nth k X []) u >= 0 -> on_sides X (put k e sides) u.
Proof.
  induction k as [|k IH]; intros e u Xs sides H E; inversion H as [|x z Xs' sides' Hx HX]; subst; cbn [put]; constructor; auto.
  apply IH; auto.
Qed.

Lemma column_sound : forall s u X nu sides mu r, column s X nu sides mu = Some r -> on_sides X sides u ->
  IZR s * wsum nu (relu_at u) X <= dot r u.
Proof.
  intros s u. induction X0 as [|x Xs IH]; intros [|v nu'] [|e sides] [|w mu] r E S; cbn [column] in E; try discriminate.
  - injection E as <-. simpl. lra.
  - destruct (column s Xs nu' sides mu) as [r'|] eqn:K; [|discriminate]. inversion S as [|? ? ? ? Hx HS]; subst.
    specialize (IH nu' sides mu r' K HS). cbn [wsum]. unfold relu_at at 1. set (z := dot x u) in *.
    destruct (zerob x) eqn:Z0.
    { injection E as <-. unfold z. rewrite (dot_zerob x u Z0), (Rmax_left 0 0) by lra. lra. }
    destruct (Z.eqb_spec e 0) as [->|Ne].
    + destruct (Z.leb 0 w && Z.leb w (- (s * v)))%bool eqn:W; [|discriminate]. injection E as <-.
      apply andb_prop in W as [W1 W2]. apply Z.leb_le, IZR_le in W1, W2. rewrite opp_IZR, mult_IZR in W2.
      rewrite dot_linrow, opp_IZR. fold z. unfold Rmax. destruct (Rle_dec 0 z); nra.
    + destruct (Z.leb_spec 0 w) as [W|]; [|discriminate]. injection E as <-. apply IZR_le in W.
      rewrite dot_linrow, plus_IZR, mult_IZR. fold z.
      assert (T : IZR e * IZR w * z >= 0) by nra.
      destruct (Z.ltb_spec 0 e) as [L|L].
      * apply IZR_lt in L. rewrite mult_IZR, Rmax_right by nra. nra.
      * assert (e < 0)%Z as L' by lia. apply IZR_lt in L'. rewrite Rmax_left by nra. nra.
Qed.

Lemma together_sound : forall u X sides mu r, together_rows X sides mu = Some r -> on_sides X sides u -> dot r u >= 0.
Proof.
  intros u. induction X0 as [|x Xs IH]; intros [|e sides] [|w mu] r E S; cbn [together_rows] in E; try discriminate.
  - injection E as <-. simpl. lra.
  - destruct (together_rows Xs sides mu) as [r'|] eqn:K; [|discriminate]. inversion S as [|? ? ? ? Hx HS]; subst.
    specialize (IH sides mu r' K HS). destruct (Z.leb_spec 0 w) as [W|]; [|discriminate]. injection E as <-.
    apply IZR_le in W. rewrite dot_linrow, mult_IZR. nra.
Qed.

Lemma tree_sound : check_frame d ball F = true -> forall s h u p, within d ball F u p -> 0 <= p ->
  forall t sides, check_tree s h sides t = true -> on_sides X sides u -> IZR s * wsum nu (relu_at u) X <= p * height ball h.
Proof.
  intros Fr s h u p B P. induction t as [den mu|k t1 IH1 t2 IH2|k e den mu t IH]; intros sides H S; cbn [check_tree] in H;
    rewrite !andb_true_iff in H.
  - destruct H as [D H]. destruct (column _ _ _ _ _) as [r|] eqn:E; [|discriminate]. apply Z.ltb_lt in D.
    pose proof (column_sound _ u _ _ _ _ _ E S) as C. rewrite wsum_map in C.
    pose proof (short_sound d ball F Fr _ _ _ u p H D B P) as L. apply IZR_lt in D.
    apply Rmult_le_reg_l with (IZR den); auto. lra.
  - destruct H as [H1 H2]. destruct (Rle_dec 0 (dot (nth k X []) u)).
    + apply (IH1 _ H1). apply put_sides; auto. lra.
    + apply (IH2 _ H2). apply put_sides; auto. lra.
  - destruct H as [[D C] H]. destruct (together_rows _ _ _) as [r|] eqn:E; [|discriminate]. apply Z.ltb_lt, IZR_lt in D.
    apply (IH _ H). apply put_sides; auto. pose proof (together_sound u _ _ _ _ E S) as G.
    pose proof (dot_zerob _ u C) as Z0. rewrite dot_linrow, opp_IZR, mult_IZR in Z0.
    set (z := dot (nth k X []) u) in *. assert (IZR den * (IZR e * z) >= 0) by lra. nra.
Qed.

Lemma whole_come : forall h k, (forall j, (j < k)%nat -> (0 <= h j)%Z) -> come ball k h (whole h k).
Proof.
  intros h k P. unfold come. split; [destruct ball; auto|]. induction k as [|k IH]; cbn [whole sumlt].
  - destruct (shared ball); [split; [lia|intros; lia]|auto].
  - unfold together. specialize (IH (fun j Hj => P j (Nat.lt_lt_succ_r _ _ Hj))). destruct (shared ball).
    + destruct IH as [I1 I2]. split; [lia|]. intros j Hj. destruct (Nat.eq_dec j k) as [->|N]; [lia|]. specialize (I2 j ltac:(lia)). lia.
    + rewrite plus_IZR, IH. ring.
Qed.

(* weak duality *)
Lemma dual_loss : forall W a H b, length y = length X -> length nu = length X -> wsum nu (net m W a) X <= H ->
  IZR (dotZ nu y) - H > 0 -> 2 * b * IZR (dotZ nu nu) <= (IZR (dotZ nu y) - H) * (IZR (dotZ nu y) - H) -> loss X y m W a >= b.
Proof.
  intros W a H b Ly Ln Hf G Hb. set (g := IZR (dotZ nu y) - H) in *. set (q := IZR (dotZ nu nu)) in *.
  set (e := sqerr (net m W a) X y).
  assert (L : forall t, 0 <= t -> e >= 2 * t * g - t * t * q).
  { intros t T. pose proof (sq_lower t (net m W a) X y nu Ly Ln) as S. fold e q in S.
    assert (t * g <= t * (IZR (dotZ nu y) - wsum nu (net m W a) X)) by (apply Rmult_le_compat_l; unfold g; lra). lra. }
  assert (Q0 : 0 <= q).
  { unfold q. clear. induction nu as [|v l IH]; simpl; [lra|]. rewrite plus_IZR, mult_IZR. nra. }
  destruct Q0 as [Q|Q].
  - assert (T : 0 <= g / q) by (left; apply Rdiv_lt_0_compat; lra). specialize (L (g / q) T).
    replace (2 * (g / q) * g - g / q * (g / q) * q) with (g * g / q) in L by (field; lra).
    unfold loss. fold e. assert (2 * b <= g * g / q); [|lra]. apply Rmult_le_reg_r with q; auto.
    replace (g * g / q * q) with (g * g) by (field; lra). exact Hb.
  - exfalso. assert (E : 0 <= e) by (specialize (L 0 (Rle_refl 0)); lra). rewrite <- Q in L.
    assert (T : 0 <= (e + 1) / g) by (left; apply Rdiv_lt_0_compat; lra). specialize (L _ T).
    replace (2 * ((e + 1) / g) * g - (e + 1) / g * ((e + 1) / g) * 0) with (2 * (e + 1)) in L by (field; lra). lra.
Qed.

Lemma Qnum_sgn : forall q, IZR (Z.sgn (Qnum q)) * Q2R q >= 0.
Proof.
  intros [n k]. unfold Q2R. cbn [Qnum Qden]. assert (0 < / IZR (Zpos k)) by (apply Rinv_0_lt_compat, IZR_lt; reflexivity).
  assert (IZR (Z.sgn n) * IZR n >= 0) by (rewrite <- mult_IZR; apply IZR_ge; destruct n; simpl; lia).
  rewrite <- Rmult_assoc. apply Rle_ge, Rmult_le_pos; lra.
Qed.

Lemma around_lengths : forall bn bd neurons, check_around bn bd neurons = true -> forall x, In x X -> (length x <= d)%nat.
Proof.
  intros bn bd neurons H. unfold check_around in H. rewrite !andb_true_iff in H. destruct H as [[[[_ H] _] _] _].
  rewrite forallb_forall in H. intros x Ix. apply Nat.leb_le. auto.
Qed.

Theorem around_sound : forall bn bd neurons, check_around bn bd neurons = true -> forall W a, in_ball m d ball W a ->
  (forall j, (j < m)%nat -> a_of A j * a j >= 0 /\ forall x, In x X -> dot x (W_of A j) * dot x (W j) >= 0) ->
  loss X y m W a >= IZR bn / IZR bd.
Proof.
  intros bn bd neurons H W a B Near. unfold check_around in H. rewrite !andb_true_iff in H.
  destruct H as [[[[[[[[[Fr H1] H2] H3] H4] H5] H6] H7] H8] H9].
  apply Z.leb_le, IZR_le in H1, H9. apply Z.ltb_lt, IZR_lt in H2, H3, H8. apply Nat.eqb_eq in H4, H5. rewrite forallb_forall in H6.
  set (neuron := fun j => nth j neurons (0%Z, [])) in *. set (h := fun j => fst (neuron j)) in *.
  set (rho := IZR (rn ball) / IZR (rd ball)).
  assert (R : 0 <= rho) by (apply Rmult_le_pos; auto; left; apply Rinv_0_lt_compat; auto).
  assert (Pos : forall j, (j < m)%nat -> (0 <= h j)%Z).
  { intros j Hj. pose proof (all_spec _ _ H7 j Hj) as Ck. apply andb_prop in Ck as [Ck _]. apply Z.leb_le. exact Ck. }
  assert (N : wsum nu (net m W a) X <= rho * IZR (limit ball (whole h m))).
  { eapply Rle_trans; [|apply (gathered m d ball F Fr (conj H2 R) W a h _ _ B (whole_come h m Pos) (Z.le_refl _))]. apply net_wsum. intros j Hj.
    destruct (share_within m d ball F Fr (conj H2 R) W a j B Hj) as [Pw Pp]. destruct (Near j Hj) as [Na Nx].
    pose proof (all_spec _ _ H7 j Hj) as Ck. apply andb_prop in Ck as [_ Ck].
    assert (Sides : on_sides X (map (fun x => Z.sgn (Qnum (dotQ x (qW A j)))) X) (uvec W a j)).
    { assert (G : forall l, (forall x, In x l -> In x X) ->
        on_sides l (map (fun x => Z.sgn (Qnum (dotQ x (qW A j)))) l) (uvec W a j)).
      { induction l as [|x l IH]; intros I; cbn [map]; constructor; [|apply IH; intros; apply I; right; auto].
        specialize (Nx x (I x (or_introl eq_refl))). pose proof (Qnum_sgn (dotQ x (qW A j))) as S.
        rewrite dotQ_dot in S. fold (W_of A j) in S. change (fun i => Q2R (qW A j i)) with (W_of A j) in S.
        rewrite dot_u. pose proof (Rabs_pos (a j)). set (e := IZR (Z.sgn (Qnum (dotQ x (qW A j))))) in *.
        assert (e * dot x (W j) >= 0); [|nra].
        destruct (Req_dec (dot x (W_of A j)) 0) as [Z0|Nz].
        - assert (E : e = 0); [|rewrite E; lra]. unfold e.
          assert (Z1 : Q2R (dotQ x (qW A j)) = 0) by (rewrite dotQ_dot; exact Z0).
          destruct (dotQ x (qW A j)) as [n k]. unfold Q2R in Z1. cbn [Qnum Qden] in *.
          apply Rmult_integral in Z1 as [Z1|Z1]; [apply eq_IZR in Z1; subst; reflexivity|].
          exfalso. revert Z1. apply Rinv_neq_0_compat, not_0_IZR. discriminate.
        - assert (Sq : 0 < dot x (W_of A j) * dot x (W_of A j)) by (apply Rsqr_pos_lt; auto).
          assert (e * dot x (W j) * (dot x (W_of A j) * dot x (W_of A j)) >= 0); [|nra].
          replace (e * dot x (W j) * (dot x (W_of A j) * dot x (W_of A j)))
            with ((e * dot x (W_of A j)) * (dot x (W_of A j) * dot x (W j))) by ring. nra. }
      apply G; auto. }
    assert (Sign : exists s t, (sgn s * a j >= 0) /\ check_tree (if s then 1 else -1) (h j)
      (map (fun x => Z.sgn (Qnum (dotQ x (qW A j)))) X) t = true).
    { change (fst (nth j neurons (0%Z, []))) with (h j) in Ck. unfold signs, a_of, Q2R in *.
      destruct (qa A j) as [n k]. cbn [Qnum Qden] in *.
      assert (K : 0 < / IZR (Zpos k)) by (apply Rinv_0_lt_compat, IZR_lt; reflexivity).
      destruct n as [|n|n]; destruct (snd (nth j neurons (0%Z, []))) as [|t [|t' l]]; cbn [all2] in Ck; rewrite ?andb_true_iff in Ck;
        try (destruct Ck; discriminate); try discriminate.
      - destruct Ck as (C1 & C2 & _). destruct (Rle_dec 0 (a j)); [exists true, t|exists false, t']; unfold sgn; split; auto; lra.
      - destruct Ck as (C1 & _). exists true, t. split; auto. unfold sgn. assert (0 < IZR (Zpos n)) by (apply IZR_lt; reflexivity).
        assert (0 < IZR (Zpos n) * / IZR (Zpos k)) by (apply Rmult_lt_0_compat; auto). nra.
      - destruct Ck as (C1 & _). exists false, t. split; auto. unfold sgn. assert (IZR (Zneg n) < 0) by (apply IZR_lt; reflexivity).
        assert (IZR (Zneg n) * / IZR (Zpos k) < 0) by nra. nra. }
    destruct Sign as (s & t & Sa & T).
    rewrite (wsum_ext _ _ (fun x => sgn s * relu_at (uvec W a j) x)) by (intros x; unfold relu_at; rewrite dot_u; apply scale_relu; auto).
    rewrite wsum_scale. replace (sgn s) with (IZR (if s then 1 else -1)) by (unfold sgn; destruct s; reflexivity).
    apply (tree_sound Fr _ (h j) _ _ Pw Pp t _ T Sides). }
  change (whole (fun j => fst (nth j neurons (0%Z, []))) m) with (whole h m) in *. set (q := IZR (rd ball)) in *.
  assert (Er : IZR (rn ball) = rho * q) by (unfold rho; field; lra).
  set (t := limit ball (whole h m)) in *. apply (dual_loss W a (rho * IZR t)); auto.
  - rewrite minus_IZR, !mult_IZR, Er in H8. fold q in H8. apply Rmult_lt_reg_l with q; [|rewrite Rmult_0_r]; lra.
  - rewrite !mult_IZR, minus_IZR, !mult_IZR, Er in H9. fold q in H9. apply Rmult_le_reg_r with (q * q * IZR bd); [apply Rmult_lt_0_compat; nra|].
    replace (2 * (IZR bn / IZR bd) * IZR (dotZ nu nu) * (q * q * IZR bd)) with (2 * IZR bn * q * q * IZR (dotZ nu nu)) by (field; lra).
    replace ((IZR (dotZ nu y) - rho * IZR t) * (IZR (dotZ nu y) - rho * IZR t) * (q * q * IZR bd))
      with ((q * IZR (dotZ nu y) - rho * q * IZR t) * (q * IZR (dotZ nu y) - rho * q * IZR t) * IZR bd) by ring.
    exact H9.
Qed.
End Checker.

Definition check_lowest D XQ yQ X y m d ball bn bd un ud (A : endpoint) (nu : list Z) (F : frame) (neurons : list (Z * list tree)) : bool :=
  scaled D XQ yQ X y && Z.ltb 0 bd && Z.ltb 0 ud && goodQ X y m d ball (un # Z.to_pos ud) A &&
  (Z.leb bn 0 || check_around X y m d ball A nu F bn bd neurons).

Lemma scaled_in : forall D XQ X x, all2 (all2 (scaled1 D)) XQ X = true -> In x X -> exists xq, In xq XQ /\
  forall u, dot x u = IZR D * dotq xq u.
Proof.
  intros D. induction XQ as [|xq XQ IH]; intros [|x' X] x H I; cbn [all2] in H; try discriminate; [destruct I|].
  apply andb_prop in H as [H1 H2]. destruct I as [<-|I].
  - exists xq. split; [left; auto|]. intros u. apply dot_scaled; auto.
  - destruct (IH X x H2 I) as (z & Iz & Hz). exists z. split; [right|]; auto.
Qed.

Theorem lowest_exact : forall D XQ yQ X y m d ball bn bd un ud A nu F neurons,
  check_lowest D XQ yQ X y m d ball bn bd un ud A nu F neurons = true ->
  lowest_around XQ yQ m d ball A (IZR bn / (IZR bd * IZR D * IZR D)) (IZR un / (IZR ud * IZR D * IZR D)).
Proof.
  intros D XQ yQ X y m d ball bn bd un ud A nu F neurons H. unfold check_lowest in H. rewrite !andb_true_iff in H.
  destruct H as [[[[HS Hbd] Hud] HA] HC]. pose proof (scaled_pos _ _ _ _ _ HS) as HD. apply Z.ltb_lt in Hbd, Hud.
  apply goodQ_R in HA as [HB HL].
  assert (Ec : Q2R (un # Z.to_pos ud) = IZR un / IZR ud) by (unfold Q2R; simpl; rewrite Z2Pos.id; auto).
  assert (Low : forall W a, loss X y m W a >= IZR bn / IZR bd -> lossq XQ yQ m W a >= IZR bn / (IZR bd * IZR D * IZR D)).
  { intros W a L. apply IZR_lt in Hbd. rewrite (loss_scaled D XQ yQ X y m W a HS) in L. apply Rge_le in L. apply Rle_ge.
    apply Rmult_le_reg_l with (IZR D * IZR D); [nra|].
    replace (IZR D * IZR D * (IZR bn / (IZR bd * IZR D * IZR D))) with (IZR bn / IZR bd) by (field; lra). exact L. }
  split; [exact HB|]. split; [|apply orb_prop in HC as [HC|HC]].
  - rewrite Ec in HL. apply (loss_level D XQ yQ X y m un ud HS Hud) in HL. exact HL.
  - assert (G : forall W a, lossq XQ yQ m W a >= IZR bn / (IZR bd * IZR D * IZR D)).
    { intros W a. apply Z.leb_le, IZR_le in HC. apply IZR_lt in Hbd. pose proof (lossq_nonneg XQ yQ m W a).
      assert (P : 0 < / (IZR bd * IZR D * IZR D)) by (apply Rinv_0_lt_compat; apply Rmult_lt_0_compat; nra). unfold Rdiv. nra. }
    split; [auto|]. exists 1. split; [lra|auto].
  - pose proof (around_sound X y m d ball A nu F bn bd neurons HC) as S. split.
    + intros W a IW Near. apply Low, (S W a IW). intros j Hj. destruct (Near j Hj) as [N1 N2]. split; auto.
      intros x Ix. unfold scaled in HS. rewrite !andb_true_iff in HS. destruct HS as [[_ HX] _].
      destruct (scaled_in D XQ X x HX Ix) as (xq & Iq & E). rewrite !E. specialize (N2 xq Iq).
      replace (IZR D * dotq xq (W_of A j) * (IZR D * dotq xq (W j)))
        with (IZR D * IZR D * (dotq xq (W_of A j) * dotq xq (W j))) by ring. assert (IZR D * IZR D > 0) by nra. nra.
    + destruct (close_beside X m d (W_of A) (a_of A) (around_lengths X y m d ball A nu F bn bd neurons HC)) as (e & He & N).
      exists e. split; auto.
Qed.

(* ---- as a file has it ---- *)

Fixpoint tree_of (fuel n : nat) : parser tree := fun l =>
  match fuel with
  | O => (Leaf 0 [], l)
  | S fuel =>
      let (k, l) := number l in
      if Z.eqb k 0 then let (den, l) := number l in apply (Leaf den) (sparse 0%Z n number) l
      else if Z.ltb 0 k then let (p, l) := tree_of fuel n l in apply (Split (Z.to_nat (k - 1)) p) (tree_of fuel n) l
      else let (e, l) := number l in let (den, l) := number l in let (mu, l) := sparse 0%Z n number l in
           apply (Side (Z.to_nat (- k - 1)) e den mu) (tree_of fuel n) l
  end.
Definition around_of (n m d : nat) : parser (list Z * frame * list (Z * list tree)) :=
  both (both (times n number) (frame_of d)) (times m (both number (many (tree_of (S n) n)))).
